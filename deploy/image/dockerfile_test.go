package main

import (
	"os"
	"reflect"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// The Dockerfile makes the image that this command makes.
func TestTheDockerfileHasTheSameConfiguration(t *testing.T) {
	t.Parallel()
	file, err := os.Open("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	parsed, err := parser.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, warning := range parsed.Warnings {
		t.Error(warning.Short)
	}
	stages, _, err := instructions.Parse(parsed.AST, nil)
	if err != nil {
		t.Fatal(err)
	}
	final := stages[len(stages)-1]
	if len(stages) != 2 || final.BaseName != "scratch" {
		t.Errorf("%d stages, the last one from %s", len(stages), final.BaseName)
	}
	got := v1.Config{Labels: map[string]string{}, ExposedPorts: map[string]struct{}{}}
	var copied []string
	for _, command := range final.Commands {
		switch c := command.(type) {
		case *instructions.EnvCommand:
			for _, variable := range c.Env {
				got.Env = append(got.Env, variable.String())
			}
		case *instructions.LabelCommand:
			for _, label := range c.Labels {
				got.Labels[label.Key] = label.Value
			}
		case *instructions.ExposeCommand:
			for _, port := range c.Ports {
				got.ExposedPorts[port+"/tcp"] = struct{}{}
			}
		case *instructions.UserCommand:
			got.User = c.User
		case *instructions.WorkdirCommand:
			got.WorkingDir = c.Path
		case *instructions.EntrypointCommand:
			got.Entrypoint = c.CmdLine
		case *instructions.CmdCommand:
			got.Cmd = c.CmdLine
		case *instructions.CopyCommand:
			copied = append(copied, strings.Join(append(c.SourcePaths, c.DestPath, c.Chown), " "))
		case *instructions.ArgCommand:
		default:
			t.Errorf("the test does not know %s", command.Name())
		}
	}
	want := config(Release{Version: "$VERSION", Commit: "$COMMIT"})
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if want := []string{"/root-of-image / ", "/data /data 65532:65532"}; !reflect.DeepEqual(copied, want) {
		t.Errorf("copies %q, want %q", copied, want)
	}
}
