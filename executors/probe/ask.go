package probe

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

const (
	// udpSize is what the server may send in one datagram: what passes
	// everywhere without being fragmented (DNS flag day 2020).
	udpSize = 1232
	// askAgain is when a datagram counts as lost.
	askAgain = 2 * time.Second
	// askTries bounds the datagrams of one question.
	askTries = 3
)

// query is the message that asks for name, which is taken as complete.
func query(name string, kind dnsmessage.Type) ([]byte, error) {
	if name == "" {
		return nil, errors.New("no name was given")
	}
	full, err := dnsmessage.NewName(strings.TrimSuffix(name, ".") + ".")
	if err != nil {
		return nil, fmt.Errorf("not a domain name: %w", err)
	}
	var edns dnsmessage.ResourceHeader
	if err := edns.SetEDNS0(udpSize, dnsmessage.RCodeSuccess, false); err != nil {
		return nil, err
	}
	m := dnsmessage.Message{
		Header:      dnsmessage.Header{ID: uint16(rand.Uint32()), RecursionDesired: true},
		Questions:   []dnsmessage.Question{{Name: full, Type: kind, Class: dnsmessage.ClassINET}},
		Additionals: []dnsmessage.Resource{{Header: edns, Body: &dnsmessage.OPTResource{}}},
	}
	b, err := m.Pack()
	if err != nil {
		return nil, fmt.Errorf("not a domain name: %w", err)
	}
	return b, nil
}

// ask asks over UDP, again when nothing comes back, and over TCP when the
// answer was cut (RFC 1035, 4.2.1).
func (at Options) ask(ctx context.Context, server, name string, kind dnsmessage.Type) (*dnsmessage.Message, error) {
	q, err := query(name, kind)
	if err != nil {
		return nil, err
	}
	var answer *dnsmessage.Message
	for range askTries {
		try, cancel := context.WithTimeout(ctx, askAgain)
		answer, err = at.exchange(try, "udp", server, q)
		cancel()
		if !errors.Is(err, os.ErrDeadlineExceeded) || ctx.Err() != nil {
			break
		}
	}
	if err != nil || !answer.Truncated {
		return answer, err
	}
	return at.exchange(ctx, "tcp", server, q)
}

// exchange sends one question and reads its answer.
func (at Options) exchange(ctx context.Context, network, server string, q []byte) (*dnsmessage.Message, error) {
	conn, err := at.dial(ctx, network, server, "")
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return nil, err
		}
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if network == "tcp" {
		return overTCP(conn, q)
	}
	return overUDP(conn, q)
}

// overUDP reads until the answer comes: datagrams that belong to something
// else are passed over.
func overUDP(conn net.Conn, q []byte) (*dnsmessage.Message, error) {
	if _, err := conn.Write(q); err != nil {
		return nil, err
	}
	buf := make([]byte, 64<<10)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return nil, err
		}
		if m, err := answerTo(q, buf[:n]); err == nil {
			return m, nil
		}
	}
}

func overTCP(conn net.Conn, q []byte) (*dnsmessage.Message, error) {
	if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(q))), q...)); err != nil {
		return nil, err
	}
	var size [2]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return nil, err
	}
	buf := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(conn, buf); err != nil {
		return nil, err
	}
	m, err := answerTo(q, buf)
	if err != nil {
		return nil, err
	}
	if m.Truncated {
		return nil, errors.New("the answer was cut even over TCP")
	}
	return m, nil
}

// answerTo reads b as the answer to q: it has q's number and question.
func answerTo(q, b []byte) (*dnsmessage.Message, error) {
	var asked, m dnsmessage.Message
	if err := asked.Unpack(q); err != nil {
		return nil, err
	}
	if err := m.Unpack(b); err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	same := len(m.Questions) == 1 && m.Questions[0].Type == asked.Questions[0].Type &&
		strings.EqualFold(m.Questions[0].Name.String(), asked.Questions[0].Name.String())
	if !m.Response || m.ID != asked.ID || !same {
		return nil, errors.New("reading the answer: it answers another question")
	}
	return &m, nil
}
