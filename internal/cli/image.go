package cli

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// image is a reference to a container image, as registry:5000/team/api:1.4@sha256:….
type image struct {
	name string // with the registry, as it was written
	// tag and digest are empty if the reference has none.
	tag, digest string
}

// These are the grammar of https://github.com/distribution/reference. What stands before the first slash is a registry
// if it has a dot, a colon or an upper-case letter in it, which nothing else can have.
var (
	imageRegistry = regexp.MustCompile(`^([a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?(\.[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[0-9a-fA-F:]+\])(:[0-9]+)?$`)
	imagePath     = regexp.MustCompile(`^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*$`)
	imageTag      = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$`)
)

// parseImage reads a reference. The name is left as it is: no registry is added to one that has none.
func parseImage(text string) (image, error) {
	if scheme, _, found := strings.Cut(text, "://"); found {
		return image{}, fmt.Errorf("%q begins with %s://, and the name of an image has no scheme", text, scheme)
	}
	named, digest, hasDigest := strings.Cut(text, "@")
	i := image{name: named, digest: digest}
	if hasDigest {
		if err := deployments.CheckDigest(digest); err != nil {
			return image{}, fmt.Errorf("%q: the digest %w", text, err)
		}
	}
	// A colon before the last slash belongs to the registry's port.
	if colon := strings.LastIndexByte(named, ':'); colon > strings.LastIndexByte(named, '/') {
		i.name, i.tag = named[:colon], named[colon+1:]
		if !imageTag.MatchString(i.tag) {
			return image{}, fmt.Errorf("%q: %q is not a tag", text, i.tag)
		}
	}
	if err := checkImageName(i.name); err != nil {
		return image{}, fmt.Errorf("%q: %w", text, err)
	}
	return i, nil
}

func checkImageName(name string) error {
	parts := strings.Split(name, "/")
	if len(parts) > 1 && (strings.ContainsAny(parts[0], ".:[") || strings.ToLower(parts[0]) != parts[0]) {
		if !imageRegistry.MatchString(parts[0]) {
			return fmt.Errorf("%q is not the name of a registry", parts[0])
		}
		parts = parts[1:]
	}
	for _, part := range parts {
		switch {
		case part == "" && len(parts) == 1:
			return errors.New("the name is missing")
		case part == "":
			return errors.New("a part of the name is empty")
		case strings.ToLower(part) != part:
			return fmt.Errorf("%q is not in lower case", part)
		case !imagePath.MatchString(part):
			return fmt.Errorf("%q is not part of a name", part)
		}
	}
	return nil
}
