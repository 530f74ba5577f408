package main

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
)

// machines are the processors of the architectures that images are built for.
var machines = map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}

// checkProgram reports why a binary cannot run in an image: it is not for the architecture, or needs a library, and the image has
// none.
func checkProgram(architecture string, program []byte) error {
	machine, known := machines[architecture]
	if !known {
		return fmt.Errorf("architecture %s: images are for amd64 and arm64", architecture)
	}
	file, err := elf.NewFile(bytes.NewReader(program))
	if err != nil {
		return fmt.Errorf("not a program for Linux: %w", err)
	}
	if file.Machine != machine {
		return fmt.Errorf("a program for %s instead of %s", file.Machine, machine)
	}
	for _, segment := range file.Progs {
		if segment.Type == elf.PT_INTERP {
			return errors.New("a program that loads libraries, which the image does not have: build it with CGO_ENABLED=0")
		}
	}
	return nil
}
