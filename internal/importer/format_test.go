package importer_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"

	"github.com/deployrecords/deployrecords/internal/importer"
)

// inUTF16 encodes a text, without a byte order mark.
func inUTF16(order binary.AppendByteOrder, text string) string {
	var out []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		out = order.AppendUint16(out, unit)
	}
	return string(out)
}

func unhex(t *testing.T, text string) string {
	t.Helper()
	raw, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestI4_AFileOfAnotherFormatIsNamedWithTheCommandThatHelps(t *testing.T) {
	tar := "records.ndjson" + strings.Repeat("\x00", 257-len("records.ndjson")) + "ustar\x0000" + strings.Repeat("\x00", 248)
	for name, c := range map[string]struct{ file, format, remedy string }{
		"an array":                    {"[" + record() + "," + record() + "]\n", "a JSON array", "jq -c '.[]' FILE | deployrecords import"},
		"an array over lines":         {"\n [\n  " + record() + "\n]\n", "a JSON array", "jq -c '.[]' FILE |"},
		"an array after a mark":       {"\ufeff[]", "a JSON array", "jq -c '.[]' FILE |"},
		"a response":                  {`{"deployment_records":[` + record() + `],"pagination":{}}`, "a response of GET /v1/deployments", "jq -c '.deployment_records[]' FILE |"},
		"a response over lines":       {"{\r\n  \"deployment_records\": [\r\n    " + record(), "a response of GET /v1/deployments", "jq -c '.deployment_records[]' FILE |"},
		"a response, otherwise":       {`{ "pagination" : {}`, "a response of GET /v1/deployments", "jq -c '.deployment_records[]' FILE |"},
		"a recording's response":      {`{"deployment_record":` + record() + `}`, "the response to a recording", "jq -c .deployment_record FILE |"},
		"an indented record":          {"{\n  \"id\": \"" + recordID + "\",\n", "JSON that is spread over lines", "jq -c . FILE |"},
		"UTF-16LE without a mark":     {inUTF16(binary.LittleEndian, record()), "UTF-16LE without a byte order mark", "iconv -f UTF-16LE -t UTF-8 FILE |"},
		"UTF-16BE without a mark":     {inUTF16(binary.BigEndian, "\r\n"+record()), "UTF-16BE without a byte order mark", "iconv -f UTF-16BE -t UTF-8 FILE |"},
		"UTF-32":                      {"\xff\xfe\x00\x00{\x00\x00\x00", "in UTF-32", "iconv -f UTF-32 -t UTF-8 FILE |"},
		"a response in UTF-16":        {"\xff\xfe" + inUTF16(binary.LittleEndian, `{"deployment_records":[`), "a response of GET /v1/deployments", "jq -c"},
		"zstd":                        {"\x28\xb5\x2f\xfd\x04\x58", "compressed by zstd", "zstd -dc FILE |"},
		"zip":                         {"PK\x03\x04\x14\x00", "a zip archive", "unzip -p FILE |"},
		"an empty zip":                {"PK\x05\x06" + strings.Repeat("\x00", 18), "a zip archive without files", "zip the records again"},
		"bzip2":                       {"BZh91AY&SY", "compressed by bzip2", "bzip2 -dc FILE |"},
		"xz":                          {unhex(t, "fd377a585a000004"), "compressed by xz", "xz -dc FILE |"},
		"lz4":                         {unhex(t, "04224d186440"), "compressed by lz4", "lz4 -dc FILE |"},
		"tar":                         {tar, "a tar archive", "tar -xOf FILE |"},
		"gzip in gzip":                {string(zip(record())), "compressed by gzip twice", "zcat FILE |"},
		"a database":                  {"SQLite format 3\x00\x10\x00", "an SQLite database", "deployrecords serve --database-url sqlite://FILE"},
		"CSV of list":                 {"id,environment_id,environment_name\r\n", "CSV", "deployrecords list --all --full-history --output ndjson > records.ndjson"},
		"CSV of list --csv-bom":       {"\ufeffid,environment_id,environment_name\r\n", "CSV", "deployrecords list --all"},
		"CSV of a spreadsheet":        {"\"deployment_name\";\"x\"\n", "CSV", "deployrecords list --all"},
		"a page that asks to sign in": {"<!doctype html>", "HTML or XML", "deployrecords list --all"},
	} {
		t.Run(name, func(t *testing.T) {
			for how, r := range map[string]io.Reader{
				"plain": strings.NewReader(c.file), "by bytes": iotest.OneByteReader(strings.NewReader(c.file)), "zipped": bytes.NewReader(zip(c.file)),
			} {
				if name == "gzip in gzip" && how != "zipped" {
					continue
				}
				entries, violations, err := read(t, r)
				var format *importer.FormatError
				if len(entries) > 0 || len(violations) > 0 || !errors.As(err, &format) || format.Format != c.format || !strings.HasPrefix(format.Remedy, c.remedy) || strings.Contains(err.Error(), "\n") {
					t.Errorf("%s: got %d entries, %q, %v", how, len(entries), violations, err)
				}
			}
		})
	}
}

func TestUTF16WithAByteOrderMarkIsRead(t *testing.T) {
	text := record() + "\r\n\r\n" + record(`deployment_name="ß🚀本"`) + "\r\n" + record(`deployment_name="`+strings.Repeat("🚀", 256)+`"`)
	for name, file := range map[string]string{
		"little endian": "\xff\xfe" + inUTF16(binary.LittleEndian, text),
		"big endian":    "\xfe\xff" + inUTF16(binary.BigEndian, text),
	} {
		t.Run(name, func(t *testing.T) {
			for how, r := range map[string]io.Reader{
				"plain": strings.NewReader(file), "by bytes": iotest.OneByteReader(strings.NewReader(file)), "zipped": bytes.NewReader(zip(file)),
			} {
				entries, violations, err := read(t, r)
				if err != nil || len(violations) > 0 || len(entries) != 3 || entries[1].Line != 3 || entries[1].Record.DeploymentName != "ß🚀本" || entries[2].Record.DeploymentName != strings.Repeat("🚀", 256) {
					t.Errorf("%s: got %+v, %q, %v", how, entries, violations, err)
				}
			}
		})
	}
}

func TestI4_InvalidUTF16IsAViolation(t *testing.T) {
	encode := func(text string) string { return "\xff\xfe" + inUTF16(binary.LittleEndian, text) }
	for name, half := range map[string]string{"a high half": "\x3d\xd8", "a low half": "\x80\xde", "two high halves": "\x3d\xd8\x3d\xd8"} {
		file := strings.ReplaceAll(encode(record()+"\n"+record(`deployment_name="a%b"`)+"\n"+record()), "%\x00", half)
		entries, violations, err := read(t, strings.NewReader(file))
		if err != nil || len(entries) != 2 || len(violations) != 1 || !strings.HasPrefix(violations[0], `line 2: deployment_name: "a\xed`) || !strings.HasSuffix(violations[0], `b" is not valid UTF-8`) {
			t.Errorf("%s: got %d entries, %q, %v", name, len(entries), violations, err)
		}
	}
	entries, violations, err := read(t, strings.NewReader(encode(record()+"\n"+record()+"\n")+"{"))
	if want := "line 3 could not be read: the UTF-16 text ends within a character"; len(entries) != 2 || len(violations) > 0 || err == nil || err.Error() != want {
		t.Errorf("got %d entries, %q, %v", len(entries), violations, err)
	}
	entries, violations, err = read(t, strings.NewReader(encode(record()+"\n")+"\x3d\xd8"))
	if len(entries) != 1 || !slices.Equal(violations, []string{`line 2: is not JSON: invalid character '\xed' at start of value, at byte 1 of the line`}) || err != nil {
		t.Errorf("got %d entries, %q, %v", len(entries), violations, err)
	}
}

// A file that only resembles another format is read as NDJSON, so that each violation is reported with its line.
func TestNDJSONIsNotTakenForAnotherFormat(t *testing.T) {
	for _, first := range []string{
		record(), "", " ", "{", "{}", "null", `"id","environment_name"`[:4], "BZ", "PK", "id", "\x28\xb5", strings.Repeat("x", 600),
		`{"id":"\u0000"}`, "{\t" + record()[1:], strings.Repeat(" ", 600) + "[",
	} {
		entries, _, err := read(t, strings.NewReader(first+"\n"+record()))
		if err != nil || len(entries) == 0 || entries[len(entries)-1].Line != 2 {
			t.Errorf("%.20q: got %+v, %v", first, entries, err)
		}
	}
}
