package ssh

import (
	"os"
	"syscall"
	"unsafe"
)

// unload gives the memory behind a buffer back to the kernel, as far as it has
// whole pages. What is in the buffer is lost: it holds zeros until it is written
// to (madvise(2), MADV_DONTNEED).
func unload(b []byte) {
	page := os.Getpagesize()
	before := -int(uintptr(unsafe.Pointer(unsafe.SliceData(b)))) & (page - 1)
	if whole := (len(b) - before) / page * page; whole > 0 {
		// Best effort: without it everything works, with more memory.
		_ = syscall.Madvise(b[before:before+whole], syscall.MADV_DONTNEED)
	}
}
