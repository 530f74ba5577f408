package cli

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/distribution/reference"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// image is a reference to a container image, such as registry:5000/team/api:1.4@sha256:….
type image struct {
	name string // as given, with its registry if it has one
	// tag and digest are empty if the reference has none.
	tag, digest string
}

// parseImage parses a reference. It adds neither a registry nor a tag, so that the name is recorded as given.
func parseImage(text string) (image, error) {
	if scheme, _, found := strings.Cut(text, "://"); found {
		return image{}, fmt.Errorf("%q begins with %s://, but an image reference has no scheme", text, scheme)
	}
	if _, digest, found := strings.Cut(text, "@"); found {
		if err := deployments.CheckDigest(digest); err != nil {
			return image{}, fmt.Errorf("%q: the digest %w", text, err)
		}
	}
	parsed, err := reference.Parse(text)
	if err != nil {
		if character := notOfATag(text); character != "" {
			return image{}, fmt.Errorf("%q: the tag has %q, but a tag has only letters, digits, underscores, periods and hyphens", text, character)
		}
		return image{}, fmt.Errorf("%q is not NAME:TAG@DIGEST: %w", text, err)
	}
	i := image{name: parsed.(reference.Named).Name()} // Parse requires a name
	if tagged, ok := parsed.(reference.Tagged); ok {
		i.tag = tagged.Tag()
	}
	if digested, ok := parsed.(reference.Digested); ok {
		i.digest = digested.Digest().String()
	}
	return i, nil
}

var otherThanTag = regexp.MustCompile(`[^A-Za-z0-9_.-]`)

// notOfATag returns the first character of the reference's tag that a tag cannot have, such as the + of a semantic version, or "".
func notOfATag(text string) string {
	text, _, _ = strings.Cut(text, "@")
	_, tag, _ := strings.Cut(text[strings.LastIndex(text, "/")+1:], ":")
	return otherThanTag.FindString(tag)
}
