package cli

import (
	"cmp"
	"fmt"
	"runtime/debug"

	"github.com/deployrecords/deployrecords"
)

// The linker sets Version and Commit in releases.
var (
	Version = ""
	Commit  = ""
)

// build is what this program was built from.
var build = describeBuild(debug.ReadBuildInfo())

type buildDescription struct{ version, commit string }

// describeBuild returns what the linker set or, without it, what the go command recorded: the module's version of go install,
// and the commit of go build in a clone.
func describeBuild(info *debug.BuildInfo, _ bool) buildDescription {
	b := buildDescription{Version, Commit}
	if info != nil {
		if info.Main.Version != "(devel)" {
			b.version = cmp.Or(b.version, info.Main.Version)
		}
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" {
				b.commit = cmp.Or(b.commit, setting.Value)
			}
		}
	}
	return buildDescription{cmp.Or(b.version, "dev"), cmp.Or(b.commit, "unknown")}
}

func versionText() string {
	return fmt.Sprintf("deployrecords %s\ncommit %s\ncontract %s", build.version, build.commit, deployrecords.ContractDigest())
}

type versionCommand struct{}

// Run prints what --version prints.
func (versionCommand) Run(streams Streams) error {
	_, err := fmt.Fprintln(streams.Out, versionText())
	return err
}
