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

# Tests run in the background of this shell, which waits for them: a signal ends wait, while a shell that runs something
# in the foreground does nothing about a signal until that is over.
running=
settings= # of the environment, NAME=VALUE
begin() { # begin FLAGS -- PACKAGES
  flags=
  while [ "$1" != -- ]; do flags="$flags $1"; shift; done
  shift
  begun=
  if [ $# -gt 0 ]; then
    env $settings $GO test -timeout 20m $flags "$@" &
    begun=$!
    running="$running $begun"
  fi
}
finish() { # finish WHAT-WAS-BEGUN
  [ -n "$1" ] || return 0
  wait "$1" || failed=1
  still=
  for pid in $running; do [ "$pid" = "$1" ] || still="$still $pid"; done
  running=$still
}

# What a shell runs in the background ignores the terminal's interrupt, and so does go test with it; and a signal to this
# process alone would reach no other. So each is told to end: go test, the test processes, and whatever those began.
below() { # below DEPTH: the processes that this shell began, that those began and so on
  ps -A -o pid= -o ppid= | awk -v root=$$ -v most="$1" '
    { parent[$1] = $2 }
    END {
      for (pid in parent) {
        at = parent[pid]
        for (depth = 1; at != root && (at in parent) && depth < most; depth++) at = parent[at]
        if (at == root) print pid
      }
    }'
}
tell() { # tell SIGNAL PROCESSES
  signal=$1
  shift
  [ $# = 0 ] || kill "-$signal" "$@" 2>/dev/null || true
}
end() { # end SIGNAL
  trap '' HUP INT TERM
  echo "$0: $1, ending the tests" >&2
  # What is stopped begins nothing that would be missed below.
  tell STOP $running
  near="$running $(below 2)"
  tell STOP $near
  all="$running $(below 99)"
  tell TERM $all
  tell CONT $near
  # Of what does not end, only go test and test processes are killed. The shells that keep PostgreSQL for them outlive
  # them for a moment, to stop it and to remove its data.
  for second in 1 2 3 4 5; do
    sleep 1
    ps -o stat= -p "$(echo $near | tr ' ' ,)" | grep -qv '^ *Z' || break
    [ $second -lt 5 ] || tell KILL $near
  done
  rm -rf "$GOTMPDIR"
  trap - "$1"
  kill "-$1" $$
}
# What go test would remove at its end.
GOTMPDIR=$(mktemp -d)
export GOTMPDIR
trap 'rm -rf "$GOTMPDIR"' EXIT
for signal in HUP INT TERM; do trap "end $signal" $signal; done

# The longest first: begun last, it would run on alone.
begin $race -skip "$long" -- $(packages '/internal/store$') $(packages -vE "$alone|/internal/store\$")
finish "$begun"
# What is left is a package at a time, and leaves a processor idle: two of them at once.
begin -run "$long" -- $(packages '/internal/store$')
store=$begun
settings=GOGC=400 # gigabytes of short-lived garbage: collecting it less often saves a third of the time
begin -- $(packages '/internal/conformance$')
conformance=$begun
settings=
finish "$store"
begin -- $(packages '/internal/demo$')
finish "$begun"
finish "$conformance"
exit $failed
