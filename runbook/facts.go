package runbook

// Facts are what the machine of a target was when the plan was made, as far as
// the document uses it: ${target.kernel}. The operation goes by them to its
// end, whatever it changes itself. The expr tags are the names that documents
// have for them.
type Facts struct {
	// Hostname is the machine's own name (uname -n).
	Hostname string `json:"hostname" expr:"hostname"`
	// OS and Arch are Go's words: "linux", "amd64".
	OS   string `json:"os" expr:"os"`
	Arch string `json:"arch" expr:"arch"`
	// Kernel is the kernel's release (uname -r).
	Kernel string `json:"kernel" expr:"kernel"`
	// User and UID are those that stet has there.
	User string `json:"user" expr:"user"`
	UID  int    `json:"uid" expr:"uid"`
	// Release is os-release(5), keys in lower case: "id", "version_id".
	Release map[string]string `json:"release,omitempty" expr:"release"`
	// Links are the interfaces by name.
	Links map[string]FactLink `json:"links,omitempty" expr:"links"`
	// Default4 and Default6 are the default routes of the main table with the
	// lowest metric; the zero value is none.
	Default4 FactRoute `json:"default4,omitzero" expr:"default4"`
	Default6 FactRoute `json:"default6,omitzero" expr:"default6"`
}

// FactLink is an interface as it was when the plan was made.
type FactLink struct {
	Name       string        `json:"name" expr:"name"`
	Type       string        `json:"type" expr:"type"`
	State      string        `json:"state" expr:"state"` // "up" or "down", as it was switched
	MTU        int           `json:"mtu" expr:"mtu"`     // bytes
	MAC        string        `json:"mac" expr:"mac"`
	Controller string        `json:"controller" expr:"controller"`
	Alias      string        `json:"alias" expr:"alias"`
	Addresses  []FactAddress `json:"addresses" expr:"addresses"`
}

// FactAddress is an address of an interface.
type FactAddress struct {
	IP      string `json:"ip" expr:"ip"`
	Prefix  string `json:"prefix" expr:"prefix"`   // with its length
	Network string `json:"network" expr:"network"` // without host bits
	Length  int    `json:"length" expr:"length"`
	Family  int    `json:"family" expr:"family"` // 4 or 6
	Scope   string `json:"scope" expr:"scope"`
}

// FactRoute is a default route.
type FactRoute struct {
	Dev    string `json:"dev" expr:"dev"`
	Via    string `json:"via" expr:"via"`       // "" without a gateway
	Source string `json:"source" expr:"source"` // preferred source, or ""
	Metric int    `json:"metric" expr:"metric"`
}
