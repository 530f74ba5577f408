package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// smallDisk is a file system in memory that a test can fill.
type smallDisk struct{ path string }

// newSmallDisk mounts a disk until the test ends. It returns nil where that is not possible, as for a user other than root.
func newSmallDisk(t *testing.T) *smallDisk {
	t.Helper()
	path, err := os.MkdirTemp("/tmp", "disk-") //nolint:usetesting // short, for the path of a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(path) })
	if exec.Command("mount", "-t", "tmpfs", "-o", "size=600m,mode=755", "tmpfs", path).Run() != nil {
		return nil
	}
	t.Cleanup(func() { _ = exec.Command("umount", "--lazy", path).Run() })
	return &smallDisk{path}
}

func (d *smallDisk) ballast() string { return filepath.Join(d.path, "ballast") }

// fill writes until the disk is full.
func (d *smallDisk) fill(t *testing.T) {
	t.Helper()
	file, err := os.Create(d.ballast())
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for block := make([]byte, 1<<20); len(block) > 0; {
		if _, err := file.Write(block); err != nil {
			block = block[:len(block)/2] // to the last byte
		}
	}
}

func (d *smallDisk) free(t *testing.T) {
	t.Helper()
	if err := os.Remove(d.ballast()); err != nil {
		t.Fatal(err)
	}
}
