package ssh

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// Platform is an operating system and an architecture, as Go names them.
type Platform struct{ OS, Arch string }

// String is the platform as Go's tools write it: "linux/arm64".
func (p Platform) String() string { return p.OS + "/" + p.Arch }

// Program is an agent for one platform. It is read, hashed and compressed once,
// whatever the number of hosts it goes to.
type Program struct {
	Platform Platform
	// Path is where the file lies; unused when Data is set.
	Path string
	Data []byte

	once   sync.Once
	hash   string // SHA-256, hexadecimal
	packed []byte // gzip
	err    error

	// folder has the packed program as the file name; see Packed.
	folder fs.FS
	name   string
}

// load hashes the program; later calls are free.
func (p *Program) load() error {
	p.once.Do(func() { p.err = p.read() })
	return p.err
}

func (p *Program) read() error {
	if p.folder != nil { // its name has the hash
		return nil
	}
	if p.Data != nil {
		p.hash = digest(p.Data)
		return nil
	}
	f, err := os.Open(p.Path)
	if err != nil {
		return fmt.Errorf("reading the agent for %s: %w", p.Platform, err)
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return fmt.Errorf("reading the agent for %s: %w", p.Platform, err)
	}
	p.hash = hex.EncodeToString(sum.Sum(nil))
	return nil
}

func (p *Program) bytes() ([]byte, error) {
	if p.Data != nil {
		return p.Data, nil
	}
	if p.folder != nil {
		return p.unpack()
	}
	data, err := os.ReadFile(p.Path)
	if err != nil {
		return nil, fmt.Errorf("reading the agent for %s: %w", p.Platform, err)
	}
	return data, nil
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// plain returns the program, which must still be the one that load has hashed.
func (p *Program) plain() ([]byte, error) {
	if err := p.load(); err != nil {
		return nil, err
	}
	data, err := p.bytes()
	if err == nil && digest(data) != p.hash {
		err = fmt.Errorf("reading the agent for %s: %s is not what it was", p.Platform, p.Path+p.name)
	}
	return data, err
}

// pack compresses the program when the first host needs it.
func (p *Program) pack() ([]byte, error) {
	packs.Lock()
	defer packs.Unlock()
	if p.packed != nil {
		return p.packed, nil
	}
	data, err := p.plain()
	if err != nil {
		return nil, err
	}
	if p.folder != nil {
		p.packed, err = fs.ReadFile(p.folder, p.name)
		return p.packed, err
	}
	if packed, err := p.packedBeside(); err == nil {
		p.packed = packed
		return packed, nil
	}
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	p.packed = b.Bytes()
	return p.packed, nil
}

// packedBeside is the program as it was packed when it was built, in a file beside
// it. One that is not there, or holds another program, is packed anew.
func (p *Program) packedBeside() ([]byte, error) {
	if p.Path == "" || p.Data != nil {
		return nil, fs.ErrNotExist
	}
	packed, err := os.ReadFile(p.Path + ".gz")
	if err != nil {
		return nil, err
	}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, io.LimitReader(r, largest)); err != nil {
		return nil, err
	}
	if hex.EncodeToString(sum.Sum(nil)) != p.hash {
		return nil, fmt.Errorf("%s.gz holds another program", p.Path)
	}
	return packed, nil
}

// packs is held while a program is compressed.
var packs sync.Mutex

// Beside lists the agents in a folder: files named stet-agent-OS-ARCH.
func Beside(folder string) ([]*Program, error) {
	const prefix = "stet-agent-"
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var programs []*Program
	for _, e := range entries {
		name, ok := strings.CutPrefix(e.Name(), prefix)
		system, arch, two := strings.Cut(name, "-")
		if ok && two && e.Type().IsRegular() && !strings.ContainsAny(arch, "-.") {
			programs = append(programs, &Program{Platform: Platform{system, arch}, Path: filepath.Join(folder, e.Name())})
		}
	}
	return programs, nil
}

// Packed lists the agents in a folder that holds them packed, as release builds
// have it inside: files named stet-agent-OS-ARCH-SHA256.gz, with the hash of
// what is in them.
func Packed(folder fs.FS) ([]*Program, error) {
	entries, err := fs.ReadDir(folder, ".")
	if err != nil {
		return nil, err
	}
	var programs []*Program
	for _, e := range entries {
		name, packed := strings.CutSuffix(e.Name(), ".gz")
		parts := strings.Split(name, "-")
		if !packed || len(parts) != 5 || parts[0]+"-"+parts[1] != "stet-agent" || len(parts[4]) != hex.EncodedLen(sha256.Size) {
			continue
		}
		programs = append(programs, &Program{Platform: Platform{parts[2], parts[3]}, folder: folder, name: e.Name(), hash: parts[4]})
	}
	return programs, nil
}

// largest bounds a program that is unpacked.
const largest = 64 << 20

func (p *Program) unpack() ([]byte, error) {
	data, err := p.unpacked()
	if err != nil {
		return nil, fmt.Errorf("unpacking the agent for %s: %w", p.Platform, err)
	}
	return data, nil
}

func (p *Program) unpacked() ([]byte, error) {
	f, err := p.folder.Open(p.name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(r, largest))
}

// platform reads uname's words.
func platform(system, machine string) Platform {
	archs := map[string]string{
		"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64", "i386": "386", "i486": "386", "i586": "386", "i686": "386",
		"armv5tel": "arm", "armv6l": "arm", "armv7l": "arm", "armv8l": "arm", "loongarch64": "loong64",
		"mips": "mips", "mips64": "mips64", "ppc64": "ppc64", "ppc64le": "ppc64le", "riscv64": "riscv64", "s390x": "s390x",
	}
	arch, ok := archs[strings.ToLower(machine)]
	if !ok {
		arch = strings.ToLower(machine)
	}
	return Platform{strings.ToLower(system), arch}
}
