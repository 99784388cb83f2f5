package executors

import "time"

// Probe is one question to the network, asked from the target. Exactly one
// field is set.
type Probe struct {
	Ping    *Ping    `json:"ping,omitempty"`
	TCP     *TCP     `json:"tcp,omitempty"`
	HTTP    *HTTP    `json:"http,omitempty"`
	DNS     *DNS     `json:"dns,omitempty"`
	Process *Process `json:"process,omitempty"`
	File    *File    `json:"file,omitempty"`
	RouteTo *RouteTo `json:"route-to,omitempty"`
}

// Ping sends ICMP echo requests.
type Ping struct {
	Host     string        `json:"host"`
	Count    int           `json:"count,omitempty"`    // 0: 3
	Size     int           `json:"size,omitempty"`     // payload bytes; 0: 56
	DF       bool          `json:"df,omitempty"`       // do not fragment
	Source   string        `json:"source,omitempty"`   // address or interface
	Interval time.Duration `json:"interval,omitempty"` // 0: 200 ms
	Timeout  time.Duration `json:"timeout,omitempty"`  // for each reply; 0: 1 s
}

// TCP connects to host:port.
type TCP struct {
	Address string        `json:"address"`
	Source  string        `json:"source,omitempty"`
	Timeout time.Duration `json:"timeout,omitempty"` // 0: 3 s
}

// HTTP makes a GET request.
type HTTP struct {
	URL      string            `json:"url"`
	Method   string            `json:"method,omitempty"`
	Header   map[string]string `json:"header,omitempty"`
	Insecure bool              `json:"insecure,omitempty"` // accept any certificate
	Timeout  time.Duration     `json:"timeout,omitempty"`  // 0: 5 s
}

// DNS resolves a name.
type DNS struct {
	Name    string        `json:"name"`
	Type    string        `json:"type,omitempty"`   // "A", "AAAA", "MX", …; "": A
	Server  string        `json:"server,omitempty"` // host[:port]; "": resolv.conf
	Timeout time.Duration `json:"timeout,omitempty"`
}

// Process looks for processes by name (comm, or the base name of argv[0]).
type Process struct {
	Name string `json:"name"`
}

// File looks at a file.
type File struct {
	Path string `json:"path"`
	// Read asks for the first bytes of the content, at most this many.
	Read int `json:"read,omitempty"`
}

// RouteTo asks the kernel which route it takes (ip route get).
type RouteTo struct {
	Destination string `json:"destination"`
	Source      string `json:"source,omitempty"`
	IIF         string `json:"iif,omitempty"`
	Mark        uint32 `json:"mark,omitempty"`
}

// ProbeReply is the answer. OK is the plain yes or no; Values has the details
// by name, with JSON's types (numbers are float64 or int): for ping "sent",
// "received", "loss" (percent), "min", "avg", "max", "mdev" (milliseconds);
// for tcp "connected", "time"; for http "status", "body", "headers", "time";
// for dns "answers", "rcode", "time"; for process "pids", "count"; for file
// "exists", "size", "mode", "owner", "group", "sha256", "content"; for a route
// "type", "dev", "via", "source", "table", "metric".
// Error says in words why OK is false.
type ProbeReply struct {
	OK     bool           `json:"ok"`
	Values map[string]any `json:"values,omitempty"`
	Error  string         `json:"error,omitempty"`
}
