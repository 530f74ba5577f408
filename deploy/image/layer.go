package main

import (
	"archive/tar"
	"bytes"
	"io"
	"path"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// entry is a file, or a directory if it has no content.
type entry struct {
	name    string // relative to the root
	mode    int64
	owner   int // user and group
	content []byte
}

// newLayer returns a layer with the entries and the directories that lead to them.
func newLayer(modified time.Time, entries []entry) (v1.Layer, error) {
	var archive bytes.Buffer
	writer := tar.NewWriter(&archive)
	written := map[string]bool{".": true}
	write := func(e entry) error {
		header := &tar.Header{Name: e.name, Mode: e.mode, Uid: e.owner, Gid: e.owner, ModTime: modified, Size: int64(len(e.content)), Typeflag: tar.TypeReg}
		if e.content == nil {
			header.Typeflag, header.Name = tar.TypeDir, e.name+"/"
		}
		if err := writer.WriteHeader(header); err != nil {
			return err
		}
		_, err := writer.Write(e.content)
		return err
	}
	for _, e := range entries {
		for _, directory := range parents(e.name) {
			if written[directory] {
				continue
			}
			written[directory] = true
			if err := write(entry{name: directory, mode: 0o755}); err != nil {
				return nil, err
			}
		}
		if err := write(e); err != nil {
			return nil, err
		}
	}
	if err := writer.Close(); err != nil {
		return nil, err
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(archive.Bytes())), nil }
	return tarball.LayerFromOpener(open, tarball.WithMediaType(types.OCILayer))
}

// parents returns the directories above a file, the outermost first.
func parents(name string) []string {
	if directory := path.Dir(name); directory != "." {
		return append(parents(directory), directory)
	}
	return nil
}
