package cli

import (
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/internal/api"
)

// The server's errors name parameters and fields; a user of the command line knows flags.
func TestTheServersErrorsNameFlags(t *testing.T) {
	for _, name := range api.ListParameters {
		s := newAPI(t, problem(400, "the request has 1 fault", name+": is wrong: very"))
		if _, stderr, code := s.client("list"); code != 3 || listFlagNames[name] == "" || !strings.HasSuffix(stderr, "\n  "+listFlagNames[name]+": is wrong: very\n") {
			t.Errorf("%s: exit code %d, %s", name, code, stderr)
		}
	}
	chart := []string{"record", "--environment", "e", "--deployment", "d", "--chart", "c", "--version", "1", "--digest", testDigest}
	for field, want := range map[string][2]string{
		"environment_name": {"--environment", "--environment"}, "logical_environment_name": {"--logical-environment", "--logical-environment"},
		"deployment_name": {"--deployment", "--deployment"}, "project_versions": {"--project and --project-version", "--project and --project-version"},
		"artifact_name": {"name of --image", "--chart"}, "artifact_version": {"tag of --image", "--version"},
		"artifact_digest": {"digest of --image", "--digest"}, "unknown": {"unknown", "unknown"},
	} {
		for i, args := range [][]string{recordArgs, chart} {
			s := newAPI(t, problem(400, "the request has 1 fault", field+": is wrong"))
			if _, stderr, code := s.client(args...); code != 3 || !strings.HasSuffix(stderr, "\n  "+want[i]+": is wrong\n") {
				t.Errorf("%s: exit code %d, %s", field, code, stderr)
			}
		}
	}
}
