package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// job is what the machine is to run. It travels through a folder that both
// sides see, as does the status.
type job struct {
	Args     []string `json:"args"`
	Env      []string `json:"env"`
	Dir      string   `json:"dir"`
	Modules  string   `json:"modules"`  // folder of the kernel's modules on the host
	Release  string   `json:"release"`  // of the kernel
	Writable []string `json:"writable"` // folders of the host; share rw0, rw1, …
}

const (
	jobFile    = "job.json"
	statusFile = "status"
)

func (j *job) write(dir string) error {
	b, err := json.Marshal(j)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, jobFile), b, 0o600)
}

func readJob(dir string) (*job, error) {
	b, err := os.ReadFile(filepath.Join(dir, jobFile))
	if err != nil {
		return nil, err
	}
	j := &job{}
	return j, json.Unmarshal(b, j)
}

func writeStatus(dir string, status int) error {
	return os.WriteFile(filepath.Join(dir, statusFile), []byte(strconv.Itoa(status)+"\n"), 0o600)
}

// readStatus reads what the machine left; false if it ended without.
func readStatus(dir string) (status int, ok bool) {
	b, err := os.ReadFile(filepath.Join(dir, statusFile))
	if err != nil {
		return 0, false
	}
	status, err = strconv.Atoi(strings.TrimSpace(string(b)))
	return status, err == nil
}
