#!/bin/sh
# Fails if generated/ differs from what `make generate` writes. It generates into a copy, so a failed check changes nothing.
set -eu
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
mkdir -p "$copy/internal/contract"
cp -R openapi.yaml oapi-codegen.yaml Makefile go.mod go.sum tools generated "$copy"
cp internal/contract/*.yaml "$copy/internal/contract"
(cd "$copy" && find generated -name '*.gen.go' -delete && make -s generate-code)
if ! diff -ru generated "$copy/generated"; then
  echo "generated/ is out of date: run make generate" >&2
  exit 1
fi
