package importer

import (
	"bytes"
	"strings"
)

// FormatError reports a file of another format than NDJSON.
type FormatError struct {
	// Format names the format, as "a JSON array".
	Format string
	// Remedy completes "Instead: ": a command with FILE in place of the file, or an advice.
	Remedy string
}

func (e *FormatError) Error() string {
	return "the file is " + e.Format + ", not one JSON object per line; instead: " + e.Remedy
}

// headSize is the number of bytes by which a format is detected.
const headSize = 512

// into is the command that imports what a command before it prints.
const into = " | deployrecords import --organization KEY -"

// signatures are the beginnings of files that are not text.
var signatures = []struct {
	offset                int
	bytes, format, remedy string
}{
	{0, "\x28\xb5\x2f\xfd", "compressed by zstd", "zstd -dc FILE" + into},
	{0, "PK\x03\x04", "a zip archive", "unzip -p FILE" + into},
	{0, "PK\x05\x06", "a zip archive without files", "zip the records again"},
	{0, "BZh", "compressed by bzip2", "bzip2 -dc FILE" + into},
	{0, "\xfd7zXZ\x00", "compressed by xz", "xz -dc FILE" + into},
	{0, "\x04\x22\x4d\x18", "compressed by lz4", "lz4 -dc FILE" + into},
	{0, "\x1f\x8b", "compressed by gzip twice", "zcat FILE" + into},
	{257, "ustar", "a tar archive", "tar -xOf FILE" + into},
	{0, "SQLite format 3\x00", "an SQLite database", "deployrecords serve --database-url sqlite://FILE"},
	{0, "\xff\xfe\x00\x00", "in UTF-32", "iconv -f UTF-32 -t UTF-8 FILE" + into},
	{0, "\x00\x00\xfe\xff", "in UTF-32", "iconv -f UTF-32 -t UTF-8 FILE" + into},
}

// detect returns the format of a file that begins with head, or nil for NDJSON and for whatever the parser reports better.
func detect(head []byte) *FormatError {
	for _, s := range signatures {
		if len(head) >= s.offset && bytes.HasPrefix(head[s.offset:], []byte(s.bytes)) {
			return &FormatError{s.format, s.remedy}
		}
	}
	if order := utf16Order(head); order != "" {
		return &FormatError{order + " without a byte order mark", "iconv -f " + order + " -t UTF-8 FILE" + into}
	}
	text := strings.TrimLeft(strings.TrimPrefix(string(head), "\ufeff"), " \t\r\n")
	switch {
	case strings.HasPrefix(text, "["):
		return &FormatError{"a JSON array", "jq -c '.[]' FILE" + into}
	case strings.HasPrefix(text, "<"):
		return &FormatError{"HTML or XML", "deployrecords list --all --full-history --output ndjson > records.ndjson"}
	case isCSV(text):
		return &FormatError{"CSV", "deployrecords list --all --full-history --output ndjson > records.ndjson"}
	}
	object, isObject := strings.CutPrefix(text, "{")
	if !isObject {
		return nil
	}
	first := strings.TrimLeft(object, " \t\r\n")
	switch {
	case strings.HasPrefix(first, `"deployment_records"`), strings.HasPrefix(first, `"pagination"`):
		return &FormatError{"a response of GET /v1/deployments", "jq -c '.deployment_records[]' FILE" + into}
	case strings.HasPrefix(first, `"deployment_record"`):
		return &FormatError{"the response to a recording", "jq -c .deployment_record FILE" + into}
	case strings.HasPrefix(strings.TrimLeft(object, " \t\r"), "\n") && strings.HasPrefix(first, `"`):
		return &FormatError{"JSON that is spread over lines", "jq -c . FILE" + into}
	}
	return nil
}

// utf16Order returns the encoding of a text that is UTF-16 without a mark: its first two characters are ASCII.
func utf16Order(head []byte) string {
	if len(head) < 4 {
		return ""
	}
	switch {
	case head[0] != 0 && head[1] == 0 && head[2] != 0 && head[3] == 0:
		return "UTF-16LE"
	case head[0] == 0 && head[1] != 0 && head[2] == 0 && head[3] != 0:
		return "UTF-16BE"
	}
	return ""
}

// isCSV reports whether the first line is a header of CSV, with any of the usual separators.
func isCSV(text string) bool {
	line, _, _ := strings.Cut(text, "\n")
	columns := strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(",;\t", r) })
	if len(columns) < 2 || strings.ContainsAny(line, "{}[]:") {
		return false
	}
	for _, column := range columns {
		switch strings.Trim(column, "\"\r ") {
		case "id", "environment_name", "deployment_name":
			return true
		}
	}
	return false
}
