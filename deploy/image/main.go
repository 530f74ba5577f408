// Command image builds the container image of deployrecords from static binaries, without a container daemon.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

func main() {
	var release Release
	flag.StringVar(&release.Version, "version", "dev", "version of the program, which becomes the tag")
	flag.StringVar(&release.Commit, "commit", "unknown", "commit of the program")
	created := flag.Int64("created", 0, "time of the commit, in seconds since 1970: the image has no other time")
	directory := flag.String("out", ".", "directory for the image")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: image [flags] ARCHITECTURE=BINARY...")
		flag.PrintDefaults()
	}
	flag.Parse()
	release.Created = time.Unix(*created, 0).UTC()
	if err := run(release, *directory, flag.Args(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

// run writes an image of all architectures in the OCI layout, and one file for each architecture that docker load reads. It
// prints the digest.
func run(release Release, directory string, binaries []string, out io.Writer) error {
	tag, err := name.NewTag("deployrecords:" + release.Version)
	if err != nil {
		return fmt.Errorf("-version: %w", err)
	}
	if len(binaries) == 0 {
		return errors.New("there is no binary: give amd64=FILE, arm64=FILE or both")
	}
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, argument := range binaries {
		architecture, binary, found := strings.Cut(argument, "=")
		if !found {
			return fmt.Errorf("%q is not of the form ARCHITECTURE=BINARY", argument)
		}
		program, err := os.ReadFile(binary)
		if err != nil {
			return err
		}
		if err := checkProgram(architecture, program); err != nil {
			return fmt.Errorf("%s: %w", binary, err)
		}
		image, err := Build(release, architecture, program)
		if err != nil {
			return fmt.Errorf("%s: %w", architecture, err)
		}
		if err := tarball.WriteToFile(filepath.Join(directory, "image-"+architecture+".tar"), tag, image); err != nil {
			return err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add:        image,
			Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: architecture}},
		})
	}
	all := filepath.Join(directory, "image")
	if err := writeLayout(all, release.Version, index); err != nil {
		return err
	}
	digest, err := index.Digest()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s: %s@%s\n", all, tag, digest)
	return err
}

// writeLayout replaces the OCI layout in the directory.
func writeLayout(directory, version string, index v1.ImageIndex) error {
	if err := os.RemoveAll(directory); err != nil {
		return err
	}
	path, err := layout.Write(directory, empty.Index)
	if err != nil {
		return err
	}
	return path.AppendIndex(index, layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": version}))
}
