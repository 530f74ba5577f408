#!/bin/sh
# Runs the tests of the packages given, with a real PostgreSQL: the one of TEST_DATABASE_URL, or else the machine's
# server binaries, from which the tests make clusters of their own; or else Debian's package is installed.
set -eu
GO=${GO:-go}

have_server() {
  command -v initdb >/dev/null 2>&1 || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 ||
    { command -v pg_config >/dev/null 2>&1 && [ -x "$(pg_config --bindir)/initdb" ]; }
}

if [ -n "${TEST_DATABASE_URL:-}" ]; then
  echo "PostgreSQL: the server of TEST_DATABASE_URL"
  have_server || echo "PostgreSQL: tests that stop a server are left out, there are no server binaries"
else
  if ! have_server; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
      echo "PostgreSQL: not found, installing Debian's package postgresql"
      apt-get update -qq
      # Only the binaries are wanted: no cluster of the system's own, no service.
      mkdir -p /etc/postgresql-common
      [ -e /etc/postgresql-common/createcluster.conf ] || echo "create_main_cluster = false" > /etc/postgresql-common/createcluster.conf
      DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql >/dev/null
    fi
    have_server || {
      echo "the tests need PostgreSQL: set TEST_DATABASE_URL, or install the server's binaries (Debian and Ubuntu: apt-get install postgresql)" >&2
      exit 1
    }
  fi
  echo "PostgreSQL: the machine's binaries, in temporary clusters"
fi

for shell in bash zsh fish; do
  command -v "$shell" >/dev/null 2>&1 || echo "shell completion: $shell is not installed, its test is left out"
done
command -v curl >/dev/null 2>&1 || echo "conform: curl is not installed, the commands that its report shows are not run"

race=
if [ "$($GO env CGO_ENABLED)" = 1 ] && command -v "$($GO env CC)" >/dev/null 2>&1; then
  echo "race detector: on, but for the suite of conform, made-up histories and the longest tests of the store"
  race=-race
else
  echo "race detector: off, there is no C compiler"
  export CGO_ENABLED=0
fi
# Some tests would take minutes more with the race detector and run without: conform's suite, which asks more than a hundred
# servers a thousand questions each, one at a time; the histories that are made; and those of the store that answer,
# import and recount at length in one goroutine. What servers and stores do at once, other tests show the detector.
alone='/internal/(conformance|demo)$'
long='^Test(Property|L7_PagesPutTogether|I4_Contradictions)'
all=$($GO list "$@")
failed=0
packages() { echo "$all" | grep "$@" || true; }
run() { # run FLAGS -- PACKAGES
  flags=
  while [ "$1" != -- ]; do flags="$flags $1"; shift; done
  shift
  [ $# = 0 ] || $GO test -timeout 20m $flags "$@" || failed=1
}
# The longest first: begun last, it would run on alone.
run $race -skip "$long" -- $(packages '/internal/store$') $(packages -vE "$alone|/internal/store\$")
# What is left is a package at a time, and leaves a processor idle: two of them at once.
(run -run "$long" -- $(packages '/internal/store$'); run -- $(packages '/internal/demo$'); exit $failed) &
others=$!
# Gigabytes of short-lived garbage: collecting it less often saves a third of the time.
export GOGC=400
run -- $(packages '/internal/conformance$')
wait $others || failed=1
exit $failed
