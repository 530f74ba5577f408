package cli

import (
	"runtime/debug"
	"testing"
)

func TestTheBuildIsWhatTheLinkerSetOrTheGoCommandRecorded(t *testing.T) {
	module := func(version, revision string) *debug.BuildInfo {
		return &debug.BuildInfo{Main: debug.Module{Version: version}, Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: revision}}}
	}
	defer func() { Version, Commit = "", "" }()
	for _, c := range []struct {
		version, commit string
		info            *debug.BuildInfo
		want            buildDescription
	}{
		{"", "", nil, buildDescription{"dev", "unknown"}},
		{"", "", module("(devel)", ""), buildDescription{"dev", "unknown"}},
		{"", "", module("v1.2.3", ""), buildDescription{"v1.2.3", "unknown"}},
		{"", "", module("v1.2.4-0.20261130", "abc"), buildDescription{"v1.2.4-0.20261130", "abc"}},
		{"v1.3", "def", module("v1.2.3", "abc"), buildDescription{"v1.3", "def"}},
	} {
		Version, Commit = c.version, c.commit
		if got := describeBuild(c.info, true); got != c.want {
			t.Errorf("%+v: got %v", c, got)
		}
	}
}
