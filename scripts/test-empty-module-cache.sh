#!/bin/sh
# Runs the tests that read modules with an empty module cache: on a new machine, nothing has downloaded the tools' modules
# before `make test`. The tests are compiled with the present cache, which also serves as the module proxy.
set -eu
GO=${GO:-go}
dir=$(mktemp -d)
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
"$GO" test -c -o "$dir/tests/" . ./internal/specupdate
GOPROXY="file://$("$GO" env GOMODCACHE)/cache/download,$("$GO" env GOPROXY)"
GOMODCACHE=$dir/modules
export GOPROXY GOMODCACHE

# run DIRECTORY BINARY TESTS runs the tests of a package; no test of that name is a failure.
run() {
  (cd "$1" && "$dir/tests/$2" -test.v -test.run "$3") > "$dir/output" 2>&1 || {
    cat "$dir/output" >&2
    exit 1
  }
  grep -q '^--- PASS' "$dir/output" || {
    echo "$1: no test matches $3" >&2
    exit 1
  }
  echo "ok $1 $3"
}
echo "empty module cache:"
run . deployrecords.test '^TestPackages|^TestOnly|^TestOpenAPI'
run internal/specupdate specupdate.test '^TestSanitize'
