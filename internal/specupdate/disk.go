package specupdate

import (
	"fmt"
	"math"
	"os"
	"regexp"
	"syscall"
)

// minFreeSpace is the free space, in bytes, below which a disk counts as full: commands that write a file and fail do not
// always report why.
const minFreeSpace = 1 << 20

var diskFull = regexp.MustCompile(`(?i)no space left on device|disk quota exceeded`)

// isDiskFull reports whether a message or an output is about a full disk.
func isDiskFull(text string) bool { return diskFull.MatchString(text) }

// freeSpace returns the free bytes of the file system that has the directory.
func freeSpace(dir string) uint64 {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return math.MaxUint64
	}
	return s.Bavail * uint64(s.Bsize)
}

func diskRemedy(dir string) string {
	return fmt.Sprintf("The disk is full: the document is not the reason.\nFree space for %s and for the build cache (go env GOCACHE), or set TMPDIR to a directory with space.", dir)
}

// explainDisk adds what to do to an error about a full disk.
func explainDisk(err error) error {
	if err != nil && isDiskFull(err.Error()) {
		return fmt.Errorf("%w\n%s", err, diskRemedy(os.TempDir()))
	}
	return err
}
