package main

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// executable returns the header of a program for Linux and the headers of its segments.
func executable(t *testing.T, machine elf.Machine, segments ...elf.ProgType) []byte {
	t.Helper()
	header := elf.Header64{Type: uint16(elf.ET_EXEC), Machine: uint16(machine), Version: uint32(elf.EV_CURRENT), Ehsize: 64}
	copy(header.Ident[:], elf.ELFMAG+"\x02\x01\x01") // 64 bits, little endian, version 1
	if len(segments) > 0 {
		header.Phoff, header.Phentsize, header.Phnum = 64, 56, uint16(len(segments))
	}
	var file bytes.Buffer
	parts := []any{header}
	for _, segment := range segments {
		parts = append(parts, elf.Prog64{Type: uint32(segment)})
	}
	for _, part := range parts {
		if err := binary.Write(&file, binary.LittleEndian, part); err != nil {
			t.Fatal(err)
		}
	}
	return file.Bytes()
}

// programs writes a program for each architecture and returns the arguments that name them.
func programs(t *testing.T) (arguments []string) {
	t.Helper()
	for _, architecture := range []string{"amd64", "arm64"} {
		path := filepath.Join(t.TempDir(), architecture)
		if err := os.WriteFile(path, executable(t, machines[architecture], elf.PT_LOAD), 0o600); err != nil {
			t.Fatal(err)
		}
		arguments = append(arguments, architecture+"="+path)
	}
	return arguments
}

func TestAProgramThatCannotRunInTheImageIsRejected(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		architecture string
		program      []byte
		want         string
	}{
		"another architecture":   {"arm64", executable(t, elf.EM_X86_64), "a program for EM_X86_64 instead of EM_AARCH64"},
		"an unknown one":         {"mips", executable(t, elf.EM_MIPS), "architecture mips: images are for amd64 and arm64"},
		"a program of a library": {"amd64", executable(t, elf.EM_X86_64, elf.PT_LOAD, elf.PT_INTERP), "build it with CGO_ENABLED=0"},
		"another system":         {"amd64", []byte("MZ\x90\x00"), "not a program for Linux"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "deployrecords")
			if err := os.WriteFile(path, c.program, 0o600); err != nil {
				t.Fatal(err)
			}
			err := run(release, t.TempDir(), []string{c.architecture + "=" + path}, io.Discard)
			if err == nil || !strings.Contains(err.Error(), path+": ") || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}
