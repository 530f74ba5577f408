package main

import (
	"fmt"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// user is the user and the group of the program. The image has no other user.
const user = 65532

// Release describes the program in the image.
type Release struct {
	Version, Commit string
	Created         time.Time
}

// Build returns an image with the program, certificate authorities and a directory for data. The same arguments give the same
// bytes.
func Build(release Release, architecture string, program []byte) (v1.Image, error) {
	authorities, err := authorities()
	if err != nil {
		return nil, err
	}
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	for _, l := range []struct {
		content string
		entries []entry
	}{
		{"certificate authorities and a directory for data", []entry{
			{name: "data", owner: user, mode: 0o700},
			{name: "etc/ssl/certs/ca-certificates.crt", mode: 0o644, content: authorities},
		}},
		{"the program", []entry{{name: "usr/bin/deployrecords", mode: 0o755, content: program}}},
	} {
		layer, err := newLayer(release.Created, l.entries)
		if err != nil {
			return nil, err
		}
		history := v1.History{Created: v1.Time{Time: release.Created}, CreatedBy: l.content}
		if image, err = mutate.Append(image, mutate.Addendum{Layer: layer, History: history}); err != nil {
			return nil, err
		}
	}
	file, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	file = file.DeepCopy()
	file.OS, file.Architecture, file.Created = "linux", architecture, v1.Time{Time: release.Created}
	file.Config = config(release)
	return mutate.ConfigFile(image, file)
}

// config returns how the image runs. The Dockerfile has the same.
func config(release Release) v1.Config {
	return v1.Config{
		User:         fmt.Sprintf("%d:%d", user, user),
		Env:          []string{"PATH=/usr/bin", "DATABASE_URL=sqlite:///data/deployrecords.db", "LISTEN_ADDR=:8080"},
		WorkingDir:   "/data",
		Entrypoint:   []string{"/usr/bin/deployrecords"},
		Cmd:          []string{"serve"},
		ExposedPorts: map[string]struct{}{"8080/tcp": {}},
		Labels: map[string]string{
			"org.opencontainers.image.title":    "deployrecords",
			"org.opencontainers.image.source":   "https://github.com/deployrecords/deployrecords",
			"org.opencontainers.image.version":  release.Version,
			"org.opencontainers.image.revision": release.Commit,
			"org.opencontainers.image.licenses": "Apache-2.0",
		},
	}
}
