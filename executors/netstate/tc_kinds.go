package netstate

import (
	"strconv"
	"strings"
	"sync"
)

// tcTables are the tables of traffic control as text: as values, they are sixty
// kilobytes of the agent. A line without a tab begins a kind: its object, its
// name, its module, and what it cannot be without. The others are its options:
// key, type and the number under TCA_OPTIONS where it has an attribute there
// (linux/pkt_sched.h, linux/pkt_cls.h; 0: package linux knows), and
//
//	unset=  what the kernel takes without it
//	chosen  the kernel chooses without it
//	fixed   it cannot be changed
//	mask=   the number of the attribute with its mask
//	bit=    its place in a number that is shared
//	to=     its bounds, with from= (of an s32, below zero); for a rate or time, what
//	        the kernel shows for none
//	a:1     a name and the kernel's number for it
const tcTables = `qdisc htb sch_htb
	default hex 0 unset=0 fixed
	r2q u32 0 unset=10 fixed from=1 to=2147483647
	direct-qlen u32 5 chosen fixed
class htb needs=rate
	rate rate 0
	ceil rate 0
	burst burst 0
	cburst burst 0
	prio u32 0 unset=0 to=7
	quantum u32 0 chosen from=1
	overhead u16 0 unset=0 from=0 to=65535
	mpu u16 0 unset=0 from=0 to=65535
	linklayer enum 0 unset=ethernet ethernet:1 atm:2
qdisc sfq sch_sfq
	quantum u32 0 chosen fixed from=1 to=2147483647
	perturb u32 0 unset=0 fixed to=2147483
	limit u32 0 unset=127 fixed from=2 to=8306816
	divisor u32 0 unset=1024 fixed from=1 to=65536
	flows u32 0 unset=128 fixed from=1 to=65408
	depth u32 0 unset=127 fixed from=1 to=127
	headdrop bool 0 unset=false fixed
	redflowlimit u32 0 fixed from=1 to=1073741823
	min u32 0 fixed from=1 to=1073741823
	max u32 0 fixed from=1 to=1073741823
	probability text 0 fixed
	ecn bool 0 unset=false fixed
	harddrop bool 0 unset=false fixed
qdisc tbf sch_tbf needs=rate,burst
	rate rate 0
	burst burst 0
	limit size 0
	latency time 0
	peakrate rate 0
	mtu burst 0
	overhead u16 0 unset=0 from=0 to=65535
	mpu u16 0 unset=0 from=0 to=65535
	linklayer enum 0 unset=ethernet ethernet:1 atm:2
qdisc fq_codel sch_fq_codel
	limit u32 2 unset=10240
	flows u32 5 unset=1024 fixed from=1 to=65536
	target time 1 unset=5ms
	interval time 3 unset=100ms
	quantum u32 6 chosen from=256 to=1048576
	ecn bool32 4 unset=true
	ce-threshold time 7 fixed
	ce-threshold-selector text 0
	drop-batch u32 8 unset=64 from=1
	memory-limit size 9 unset=32m to=2147483648
qdisc fq sch_fq
	limit u32 1 unset=10000
	flow-limit u32 2 unset=100
	quantum u32 3 chosen from=256 to=1048576
	initial-quantum u32 4 chosen to=2147483647
	pacing bool32 5 unset=true
	maxrate rate 7 from=0 to=4294967295
	buckets u32 8 unset=1024 from=2 to=262144
	refill-delay time 9 unset=40ms
	orphan-mask u32 10 chosen
	low-rate-threshold rate 11 unset=550kbit
	ce-threshold time 12 from=0 to=4294967295
	timer-slack time 13 unset=10us
	horizon time 14 unset=10s
	horizon-drop bool 15 unset=true
	priomap text 16 unset=1_2_2_2_1_2_0_0_1_1_1_1_1_1_1_1
	weights text 17 unset=589824_196608_65536
qdisc cake sch_cake
	bandwidth rate 2 unset=0bit
	diffserv enum 3 unset=diffserv3 diffserv3:0 diffserv4:1 diffserv8:2 besteffort:3 precedence:4
	compensation enum 4 unset=noatm noatm:0 atm:1 ptm:2
	flow-mode enum 5 unset=triple-isolate flowblind:0 srchost:1 dsthost:2 hosts:3 flows:4 dual-srchost:5 dual-dsthost:6 triple-isolate:7
	overhead s32 6 from=64 to=256
	mpu u32 14 unset=0 to=256
	rtt time 7 unset=100ms
	target time 8
	autorate-ingress bool32 9 unset=false
	memlimit size 10 unset=0b
	nat bool32 11 unset=false
	wash bool32 13 unset=false
	ingress bool32 15 unset=false
	ack-filter enum 16 unset=no-ack-filter no-ack-filter:0 ack-filter:1 ack-filter-aggressive:2
	split-gso bool32 17 chosen
	fwmark u32 18 unset=0
qdisc netem sch_netem
	limit u32 0 unset=1000
	delay time 0 unset=0s
	jitter time 0 unset=0s to=2147483647
	delay-correlation percent 0 unset=0%
	loss percent 0 unset=0%
	loss-correlation percent 0 unset=0%
	duplicate percent 0 unset=0%
	duplicate-correlation percent 0 unset=0%
	corrupt percent 0 unset=0%
	corrupt-correlation percent 0 unset=0%
	reorder percent 0 unset=0%
	reorder-correlation percent 0 unset=0%
	gap u32 0 unset=0
	loss-state text 0
	loss-gemodel text 0
	rate rate 0 unset=0bit
	packet-overhead s32 0 unset=0 from=2147483648 to=2147483647
	cell-size u32 0 unset=0
	cell-overhead s32 0 unset=0 from=2147483648 to=2147483647
	slot time 0 unset=0s to=9223372036854775807
	slot-max time 0 unset=0s to=9223372036854775807
	slot-packets u32 0 unset=0 to=2147483647
	slot-bytes u32 0 unset=0 to=2147483647
	ecn bool 0 unset=false
qdisc prio sch_prio
	bands u32 0 unset=3 from=2 to=16
	priomap text 0 unset=1_2_2_2_1_2_0_0_1_1_1_1_1_1_1_1
qdisc ingress sch_ingress
qdisc clsact sch_ingress
qdisc noqueue
qdisc pfifo
	limit u32 0 chosen
qdisc bfifo
	limit size 0 chosen
qdisc mq
filter u32 cls_u32 needs=match
	classid text 1
	indev dev 8
	match text 0
	skip-hw bit 11 unset=false
	skip-sw bit 11 bit=1 unset=false
filter flower cls_flower
	classid text 1
	indev dev 2
	dst-mac text 4 mask=5
	src-mac text 6 mask=7
	ip-proto u8 9 from=1
	src-ip prefix 10 mask=11
	dst-ip prefix 12 mask=13
	src-port text 18 mask=35
	dst-port text 19 mask=36
	icmp-type text 51 mask=52
	icmp-code text 49 mask=50
	vlan-id u16 23 from=0 to=4095
	vlan-prio u8 24 from=0 to=7
	vlan-ethtype text 25
	cvlan-id u16 77 from=0 to=4095
	cvlan-prio u8 78 from=0 to=7
	cvlan-ethtype text 79
	ip-tos text 73 mask=74
	ip-ttl text 75 mask=76
	ip-flags text 47 mask=48
	tcp-flags text 71 mask=72
	arp-op text 61 mask=62
	arp-sip prefix 57 mask=58
	arp-tip prefix 59 mask=60
	arp-sha text 63 mask=64
	arp-tha text 65 mask=66
	skip-hw bit 22 unset=false
	skip-sw bit 22 bit=1 unset=false
filter matchall cls_matchall
	classid text 1
	skip-hw bit 3 unset=false
	skip-sw bit 3 bit=1 unset=false
filter fw cls_fw
	classid text 1
	indev dev 3
	mask u32 5 unset=4294967295 fixed
action mirred act_mirred needs=dev
	direction enum 0 unset=egress egress:0 ingress:1
	action enum 0 unset=redirect redirect:0 mirror:1
	dev dev 0
action police act_police needs=rate,burst
	rate rate 0
	burst burst 0
	mtu size 0 chosen from=256 to=4294967295
	peakrate rate 0
	overhead u16 0 unset=0 from=0 to=65535
	mpu u16 0 unset=0 from=0 to=65535
	linklayer enum 0 unset=ethernet ethernet:1 atm:2
	exceed enum 0 unset=reclassify pass:0 drop:2 reclassify:1 pipe:3 continue:4294967295
	conform enum 0 unset=pass pass:0 drop:2 reclassify:1 pipe:3 continue:4294967295
action pass act_gact
action drop act_gact
action reclassify act_gact
action pipe act_gact
action continue act_gact
`

// tcTypes are the words for types in tcTables.
var tcTypes = map[string]AttrType{
	"rate": Rate, "size": Size, "burst": Burstsize, "time": Time, "percent": Percent, "hex": Hexadecimal, "u8": Uint8, "u16": Uint16, "be16": Uint16BE,
	"u32": Uint32, "s32": Int32, "bool": Bool, "bool32": Bool32, "text": String, "enum": Enum, "dev": LinkRef, "mac": MAC, "prefix": CIDRs, "bit": FlagBit,
}

var tcKinds = sync.OnceValue(func() (list []*TCKind) {
	for line := range strings.Lines(tcTables) {
		words := strings.Fields(line)
		if strings.HasPrefix(line, "\t") {
			k := list[len(list)-1]
			k.Attrs = append(k.Attrs, tcOption(words))
			continue
		}
		k := &TCKind{Object: words[0], Name: words[1]}
		for _, w := range words[2:] {
			if needs, ok := strings.CutPrefix(w, "needs="); ok {
				k.Needs = strings.Split(needs, ",")
				continue
			}
			k.Module, k.Option = w, "CONFIG_NET_"+strings.ToUpper(w)
		}
		list = append(list, k)
	}
	return list
})

// tcOption reads an option of tcTables; a test proves that all can be read.
func tcOption(words []string) Attr {
	number := func(s string) uint64 {
		n, _ := strconv.ParseUint(s, 10, 64)
		return n
	}
	a := Attr{Key: words[0], Type: tcTypes[words[1]], IFLA: uint16(number(words[2])), Set: Anytime, Wire: Uint32}
	for _, w := range words[3:] {
		key, value, _ := strings.Cut(w, "=")
		switch key {
		case "unset":
			a.Default = strings.ReplaceAll(value, "_", " ")
		case "chosen":
			a.Untold = true
		case "fixed":
			a.Set = OnCreate
		case "mask":
			a.IFLA6 = uint16(number(value))
		case "bit":
			a.Bit = uint8(number(value))
		case "from":
			a.Min = number(value)
		case "to":
			a.Max = number(value)
		default:
			name, n, _ := strings.Cut(w, ":")
			a.Enum = append(a.Enum, EnumValue{name, number(n)})
		}
	}
	return a
}

// TCVerdict is the number of a verdict (TC_ACT_*) as 32 bits.
func TCVerdict(name string) uint32 {
	for _, v := range TCKindOf(tcActionObject, "police").Attr("exceed").Enum {
		if v.Name == name {
			return uint32(v.Value)
		}
	}
	return 0
}
