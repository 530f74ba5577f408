package importer_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// violationCases are lines with their violations; each message begins with the field.
var violationCases = []struct {
	name, line string
	want       []string
}{
	// I1: what is required
	{"an empty object", `{}`, []string{
		"id: is missing", "environment_name: is missing", "deployment_name: is missing", "artifact: is missing",
		"status: is missing", "created_at: is missing",
	}},
	{"no id", record("-id"), []string{"id: is missing"}},
	{"id null", record("id=null"), []string{"id: is null"}},
	{"every required field null", record("id=null", "environment_name=null", "deployment_name=null", "artifact.kind=null", "artifact.digest=null", "status=null", "created_at=null",
		`project_versions=[{"project_name":null,"project_version_name":null}]`), []string{
		"id: is null", "environment_name: is null", "deployment_name: is null", "artifact.kind: is null", "artifact.digest: is null",
		"status: is null", "created_at: is null", "project_versions[0].project_name: is null", "project_versions[0].project_version_name: is null",
	}},
	{"id empty", record(`id=""`), []string{"id: is empty"}},
	{"no environment_name", record("-environment_name"), []string{"environment_name: is missing"}},
	{"environment_name empty", record(`environment_name=""`), []string{"environment_name: is empty"}},
	{"no deployment_name", record("-deployment_name"), []string{"deployment_name: is missing"}},
	{"deployment_name null", record("deployment_name=null"), []string{"deployment_name: is null"}},
	{"no status", record("-status"), []string{"status: is missing"}},
	{"status empty", record(`status=""`), []string{"status: is empty"}},
	{"no created_at", record("-created_at", `updated_at="2026-03-01T12:00:00Z"`), []string{"created_at: is missing"}},
	{"created_at empty", record(`created_at=""`), []string{"created_at: is empty"}},
	{"no artifact", record("-artifact"), []string{"artifact: is missing"}},
	{"artifact null", record("artifact=null"), []string{"artifact: is null"}},
	{"artifact without members", record("-artifact.kind", "-artifact.digest"), []string{"artifact.kind: is missing", "artifact.digest: is missing"}},
	{"artifact.digest null and kind empty", record("artifact.digest=null", `artifact.kind=""`), []string{"artifact.kind: is empty", "artifact.digest: is null"}},
	{"project version without members", record("project_versions=[{}]"), []string{
		"project_versions[0].project_name: is missing", "project_versions[0].project_version_name: is missing",
	}},
	{"second project version without a name", record(`project_versions=[{"project_name":"a","project_version_name":"b"},{"project_name":"a","project_version_name":""}]`), []string{
		"project_versions[1].project_version_name: is empty",
	}},

	// I1: values
	{"id not a UUID", record(`id="42"`), []string{`id: "42" is not a UUID`}},
	{"id in braces", record(`id="{` + recordID + `}"`), []string{`id: "{` + recordID + `}" is not a UUID`}},
	{"environment_id not a UUID", record(`environment_id="prod"`), []string{`environment_id: "prod" is not a UUID`}},
	{"logical_environment_id not a UUID", record(`logical_environment_name="x"`, `logical_environment_id=" "`), []string{`logical_environment_id: " " is not a UUID`}},
	{"artifact_id not a UUID", record(`artifact_id="` + strings.ReplaceAll(recordID, "-", "") + `"`), []string{`artifact_id: "00000001000040008000000000000000" is not a UUID`}},
	{"status unspecified", record(`status="DEPLOYMENT_STATUS_UNSPECIFIED"`), []string{`status: "DEPLOYMENT_STATUS_UNSPECIFIED" is not DEPLOYED, DECOMMISSIONED or SUPERSEDED`}},
	{"status in lower case", record(`status="deployed"`), []string{`status: "deployed" is not DEPLOYED, DECOMMISSIONED or SUPERSEDED`}},
	{"kind unspecified", record(`artifact.kind="ARTIFACT_KIND_UNSPECIFIED"`), []string{`artifact.kind: "ARTIFACT_KIND_UNSPECIFIED" is not CONTAINER_IMAGE or HELM_CHART`}},
	{"a digest without algorithm", record(`artifact.digest="latest"`), []string{`artifact.digest: "latest" is not algorithm:hex`}},
	{"a digest of another algorithm", record(`artifact.digest="md5:d41d8cd98f00b204e9800998ecf8427e"`), []string{`artifact.digest: "md5:d41d8cd98f00b204e9800998ecf8427e" has an algorithm other than sha256 and sha512`}},
	{"a digest too short", record(`artifact.digest="sha256:0123"`), []string{`artifact.digest: "sha256:0123" does not have 64 lower-case hex digits after sha256:`}},
	{"a digest in upper case", record(`artifact.digest="sha256:` + strings.Repeat("AB", 32) + `"`), []string{
		`artifact.digest: "sha256:` + strings.Repeat("AB", 28) + `A"… does not have 64 lower-case hex digits after sha256:`,
	}},
	{"a name with a control character", record(`environment_name="a\nb"`), []string{`environment_name: "a\nb" has a control character`}},
	{"a name with a C1 control character", record(`deployment_name="a` + "\u0085" + `"`), []string{`deployment_name: "a\u0085" has a control character`}},
	{"a name too long", record(`logical_environment_name="` + strings.Repeat("x", 257) + `"`), []string{
		`logical_environment_name: "` + strings.Repeat("x", 64) + `"… has 257 characters, more than 256`,
	}},
	{"format characters at an end", record(`environment_name="`+"\ufeff"+`prod"`, `deployment_name="api\u200b"`, `logical_environment_name="\u202e"`,
		`artifact.name="\u00ad"`, `artifact.version="1\udb40\udc01"`, `project_versions=[{"project_name":"\u2060p","project_version_name":"v\u200e"}]`), []string{
		`environment_name: "\ufeffprod" has the format character U+FEFF at an end`, `deployment_name: "api\u200b" has the format character U+200B at an end`,
		`artifact.name: "\u00ad" has the format character U+00AD at an end`, `artifact.version: "1\U000e0001" has the format character U+E0001 at an end`,
		`logical_environment_name: "\u202e" has the format character U+202E at an end`,
		`project_versions[0].project_name: "\u2060p" has the format character U+2060 at an end`, `project_versions[0].project_version_name: "v\u200e" has the format character U+200E at an end`,
	}},
	{"texts of the artifact", record(`artifact.name="a\tb"`, `artifact.version="`+strings.Repeat("é", 257)+`"`), []string{
		`artifact.name: "a\tb" has a control character`, `artifact.version: "` + strings.Repeat("é", 64) + `"… has 257 characters, more than 256`,
	}},
	{"names of a project version", record(`project_versions=[{"project_name":"a\u007f","project_version_name":"\u0001"}]`), []string{
		`project_versions[0].project_name: "a\x7f" has a control character`, `project_versions[0].project_version_name: "\x01" has a control character`,
	}},
	{"a quoted value obeys no terminal", record(`id="\u001b[31m` + "\u202e" + `"`), []string{`id: "\x1b[31m\u202e" is not a UUID`}},
	{"a logical environment's id alone", record(`logical_environment_id="` + otherID + `"`), []string{"logical_environment_id: is given without logical_environment_name"}},
	{"a logical environment's id with an empty name", record(`logical_environment_id="`+otherID+`"`, `logical_environment_name=""`), []string{"logical_environment_id: is given without logical_environment_name"}},
	{"a logical environment's id with a bad name", record(`logical_environment_id="`+otherID+`"`, `logical_environment_name="a\u0000"`), []string{`logical_environment_name: "a\x00" has a NUL character`}},

	// I1: times
	{"times too far ahead", record(`created_at="2026-11-22T12:01:00.000001Z"`, `updated_at="2026-11-22T13:02:00+01:00"`, `last_seen_at="9999-12-31T23:59:59.999999Z"`), []string{
		"created_at: 2026-11-22T12:01:00.000001Z is more than a minute ahead of the clock, 2026-11-22T12:00:00Z",
		"updated_at: 2026-11-22T12:02:00Z is more than a minute ahead of the clock, 2026-11-22T12:00:00Z",
		"last_seen_at: 9999-12-31T23:59:59.999999Z is more than a minute ahead of the clock, 2026-11-22T12:00:00Z",
	}},
	{"created_at too far ahead, and so what it is for", record(`created_at="2026-11-22T12:01:00.000001Z"`), []string{
		"created_at: 2026-11-22T12:01:00.000001Z is more than a minute ahead of the clock, 2026-11-22T12:00:00Z",
	}},
	{"updated_at before created_at", record(`updated_at="2026-03-01T12:59:59.999999+01:00"`), []string{"updated_at: 2026-03-01T11:59:59.999999Z is before created_at, 2026-03-01T12:00:00Z"}},
	{"last_seen_at before created_at", record(`last_seen_at="0001-01-01T00:00:00Z"`), []string{"last_seen_at: 0001-01-01T00:00:00Z is before created_at, 2026-03-01T12:00:00Z"}},
	{"year 0 in UTC", record(`created_at="0001-01-01T00:00:00+00:01"`), []string{`created_at: "0001-01-01T00:00:00+00:01" is not in the years 1 to 9999 in UTC`}},
	{"year 10000 in UTC", record(`updated_at="9999-12-31T23:59:59-00:01"`), []string{`updated_at: "9999-12-31T23:59:59-00:01" is not in the years 1 to 9999 in UTC`}},

	// types
	{"numbers and booleans for texts", record("id=1", "environment_name=true", "deployment_name=false"), []string{
		"id: is a number, not a string", "environment_name: is a boolean, not a string", "deployment_name: is a boolean, not a string",
	}},
	{"arrays and objects for texts", record(`status=["DEPLOYED"]`, `created_at={"seconds":1}`), []string{
		"status: is an array, not a string", "created_at: is an object, not a string",
	}},
	{"an artifact that is a text", record("artifact=\"x\""), []string{"artifact: is a string, not an object"}},
	{"project_versions that are an object", record("project_versions={}"), []string{"project_versions: is an object, not an array"}},
	{"project_versions that are empty text", record(`project_versions=""`), []string{"project_versions: is a string, not an array"}},
	{"project versions of other types", record(`project_versions=["web",null,[],{"project_name":1,"project_version_name":"v"}]`), []string{
		"project_versions[0]: is a string, not an object", "project_versions[1]: is null, not an object",
		"project_versions[2]: is an array, not an object", "project_versions[3].project_name: is a number, not a string",
	}},

	// I1: names of members
	{"unknown fields", record("colour=1", `artifact.size={"a":[1]}`, `ID="x"`, "=null"), []string{
		"artifact.size: is not a known field", "colour: is not a known field", "ID: is not a known field", `"": is not a known field`,
	}},
	{"unknown fields of a project version", record(`project_versions=[{"project_name":"a","version":"b","project_version_name":"b"}]`), []string{"project_versions[0].version: is not a known field"}},
	{"an unknown field that would forge a message", `{"x: is fine\nline 3":1,` + record()[1:], []string{`"x: is fine\nline 3": is not a known field`}},
	{"an unknown field of great length", `{"` + strings.Repeat("x", 1000) + `":1,` + record()[1:], []string{`"` + strings.Repeat("x", 64) + `"…: is not a known field`}},
	{"a field twice", `{"id":"` + otherID + `",` + record()[1:], []string{"id: is given twice"}},
	{"a field twice, null and in other letters", `{"\u0069d":null,` + record()[1:], []string{"id: is null", "id: is given twice"}},
	{"a field of the artifact twice", record(`artifact.kind="HELM_CHART","kind":"HELM_CHART"`), []string{"artifact.kind: is given twice"}},
	{"artifact and project_versions twice", record(`project_versions=[],"project_versions":[]`, `artifact.name="x"},"artifact":{"y":"z"`), []string{
		"artifact: is given twice", "project_versions: is given twice",
	}},

	// I4: texts that can't be kept
	{"invalid UTF-8", record("environment_name=\"a\xff\""), []string{`environment_name: "a\xff" is not valid UTF-8`}},
	{"a surrogate in UTF-8", record("artifact.version=\"\xed\xa0\x80\""), []string{`artifact.version: "\xed\xa0\x80" is not valid UTF-8`}},
	{"UTF-8 cut short", record("id=\"\xc3\""), []string{`id: "\xc3" is not valid UTF-8`}},
	{"half of a surrogate pair", record(`deployment_name="a\ud83d"`), []string{`deployment_name: "a\\ud83d" has half of a surrogate pair`}},
	{"a surrogate pair the wrong way round", record(`deployment_name="\ude80\ud83d"`), []string{`deployment_name: "\\ude80\\ud83d" has half of a surrogate pair`}},
	{"an escaped NUL", record(`artifact.name="a\u0000b"`), []string{`artifact.name: "a\x00b" has a NUL character`}},
	{"a raw NUL", record("artifact.name=\"a\x00b\""), []string{`artifact.name: is not JSON: invalid character '\x00' in string (expecting non-control character), at byte 225 of the line`}},
	{"a NUL outside of a string", "\x00" + record(), []string{`is not JSON: invalid character '\x00' at start of value, at byte 1 of the line`}},
	{"bad names of members", `{"a\u0000":1,"` + "\xff" + `":2,"\udead":3,` + record()[1:], []string{
		`a field's name "a\x00" has a NUL character`, `a field's name "\xff" is not valid UTF-8`, `a field's name "\\udead" has half of a surrogate pair`,
	}},
	{"a bad name in the artifact", record(`artifact.version="",` + "\"\xc0\":0," + `"name":""`), []string{`artifact: a field's name "\xc0" is not valid UTF-8`}},

	// I4: not one JSON object
	{"no JSON", "id,environment_name", []string{"is not JSON: invalid character 'i' at start of value, at byte 1 of the line"}},
	{"a comma too many", strings.Replace(record(), ",", ",,", 1), []string{"is not JSON: invalid character ',' at start of value, at byte 46 of the line"}},
	{"a comma at the end", strings.TrimSuffix(record(), "}") + ",}", []string{"is not JSON: invalid character ',' at start of value, at byte 272 of the line"}},
	{"a line cut short", record()[:65], []string{"environment_name: is not JSON: the line ends too early"}},
	{"a line cut short in the artifact", record()[:130], []string{"artifact.kind: is not JSON: the line ends too early"}},
	{"a brace alone", "{", []string{"is not JSON: the line ends too early"}},
	{"a member's name that is no string", "{1:2}", []string{"is not JSON: object member name must be a string, at byte 2 of the line"}},
	{"single quotes", "{'id':1}", []string{`is not JSON: invalid character '\'' at start of value, at byte 2 of the line`}},
	{"NaN", record("project_versions=NaN"), []string{"project_versions: is not JSON: invalid character 'N' at start of value, at byte 292 of the line"}},
	{"a bad number in an unknown field", record("x=01"), []string{
		"x: is not a known field", "is not JSON: invalid character '1' after object value (expecting ',' or '}'), at byte 278 of the line",
	}},
	{"a bad escape", record(`id="\x41"`), []string{"id: is not JSON: invalid escape sequence `\\x` in string, at byte 8 of the line"}},
	{"violations before it stops being JSON", `{"id":1,"status":"x",?`, []string{
		"id: is a number, not a string", `status: "x" is not DEPLOYED, DECOMMISSIONED or SUPERSEDED`,
		"is not JSON: invalid character '?' at start of value, at byte 22 of the line",
	}},
	{"an array", "[" + record() + "]", []string{"is an array, not a JSON object"}},
	{"null", "null", []string{"is null, not a JSON object"}},
	{"a string", `"x"`, []string{"is a string, not a JSON object"}},
	{"two objects", record() + record(), []string{"has something after its JSON object"}},
	{"an object and a comma", record() + ",", []string{"has something after its JSON object"}},
	{"an object and a NUL", record() + "\x00", []string{"has something after its JSON object"}},
	{"brackets without end", strings.Repeat("[", 100_000), []string{"is not JSON: exceeded max depth, at byte 10001 of the line"}},
	{"brackets without end in an unknown field", `{"x":` + strings.Repeat(`{"":`, 100_000), []string{"x: is not a known field", "x: is not JSON: exceeded max depth, at byte 40002 of the line"}},

	// many
	{"several at once", record("-id", `status="x"`, `artifact.digest="y"`, `created_at="9000-01-01T00:00:00Z"`, `updated_at="2026-01-01T00:00:00Z"`, `logical_environment_id="`+otherID+`"`), []string{
		`artifact.digest: "y" is not algorithm:hex`, `status: "x" is not DEPLOYED, DECOMMISSIONED or SUPERSEDED`, "id: is missing",
		"logical_environment_id: is given without logical_environment_name", "created_at: 9000-01-01T00:00:00Z is more than a minute ahead of the clock, 2026-11-22T12:00:00Z",
		"updated_at: 2026-01-01T00:00:00Z is before created_at, 9000-01-01T00:00:00Z",
	}},
}

func TestI1_I4_EveryViolationOfALineIsReported(t *testing.T) {
	for _, c := range violationCases {
		t.Run(c.name, func(t *testing.T) {
			entries, violations, err := read(t, strings.NewReader(record()+"\n"+c.line+"\n"+record()))
			if err != nil {
				t.Fatal(err)
			}
			if len(entries) != 2 || entries[0].Line != 1 || entries[1].Line != 3 {
				t.Errorf("entries of the lines around it: %+v", entries)
			}
			var want []string
			for _, w := range c.want {
				want = append(want, "line 2: "+w)
			}
			if !slices.Equal(violations, want) {
				t.Errorf("%.500s\ngot  %s\nwant %s", c.line, strings.Join(violations, "\n     "), strings.Join(want, "\n     "))
			}
		})
	}
}

func TestI1_TimesMustBeRFC3339(t *testing.T) {
	for _, bad := range []string{
		"yesterday", "1772366400", "2026-03-01", "2026-03-01 12:00:00Z", "2026-03-01T12:00:00", "2026-03-01T12:00Z",
		"2026-03-01T12:00:00+0100", "2026-03-01T12:00:00+01",
		"2026-03-01T2:00:00Z", "2026-03-01T12:00:00,5Z", "2026-03-01T12:00:00.Z", "2026-03-01T12:00:00+24:00",
		"2026-03-01T12:00:00+23:60", "2026-03-01T12:00:00-99:99", "2026-02-29T12:00:00Z", "2026-03-01T24:00:00Z",
		"2026-03-01T23:59:61Z", "2026-13-01T12:00:00Z", "2026-00-01T12:00:00Z", "10000-03-01T12:00:00Z",
		"-0001-03-01T12:00:00Z", "26-03-01T12:00:00Z", " 2026-03-01T12:00:00Z", "2026-03-01T12:00:00Z ", "Z", "T",
	} {
		for _, field := range []string{"created_at", "updated_at", "last_seen_at"} {
			_, violations, err := read(t, strings.NewReader(record(field+`="`+bad+`"`)))
			if want := "line 1: " + field + `: "` + bad + `" is not an RFC 3339 time such as 2026-11-01T09:30:00Z`; err != nil || !slices.Equal(violations, []string{want}) {
				t.Errorf("got %q, %v; want %q", violations, err, want)
			}
		}
	}
}

func TestI1_EveryFormOfAnRFC3339TimeIsRead(t *testing.T) {
	for _, field := range []string{"created_at", "updated_at", "last_seen_at"} {
		for _, text := range []string{"2026-03-01t12:00:00z", "2026-03-01T13:30:00+01:30", "2026-03-01T12:00:00.0000000001Z"} {
			entries, violations, err := read(t, strings.NewReader(record(`created_at="2026-03-01T12:00:00Z"`, field+`="`+text+`"`)))
			if err != nil || len(violations) > 0 || entries[0].Record.UpdatedAt != entries[0].Record.CreatedAt || entries[0].Record.LastSeenAt != entries[0].Record.CreatedAt {
				t.Errorf("%s %s: got %+v, %q, %v", field, text, entries, violations, err)
			}
		}
		_, violations, err := read(t, strings.NewReader(record(field+`="2016-12-31T23:59:60Z"`)))
		if want := field + `: "2016-12-31T23:59:60Z" is a leap second`; err != nil || len(violations) != 1 || !strings.Contains(violations[0], want) {
			t.Errorf("got %q, %v; want %s", violations, err, want)
		}
	}
}

func TestI4_ParsingStopsAtTheMaximumNumberOfViolations(t *testing.T) {
	for _, line := range []string{
		record("project_versions=[" + strings.Repeat("{},", 300_000) + "{}]"),
		record("project_versions=[" + strings.Repeat("1,", 300_000) + "{}]"),
		`{` + strings.Repeat(`"x":1,`, 150_000) + record()[1:],
	} {
		entries, violations, err := read(t, strings.NewReader(line+"\n"+record()))
		if len(entries) != 1 || len(violations) != deployments.MaxImportViolations || err != nil {
			t.Errorf("got %d entries, %d violations, %v", len(entries), len(violations), err)
		}
	}
}
