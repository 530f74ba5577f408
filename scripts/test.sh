#!/bin/sh
# Runs the tests of the given packages with a real PostgreSQL: the server of TEST_DATABASE_URL, or temporary clusters from
# the machine's server binaries. As root on Debian or Ubuntu it installs missing binaries.
set -eu
GO=${GO:-go}

have_server() {
  command -v initdb >/dev/null 2>&1 || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 ||
    { command -v pg_config >/dev/null 2>&1 && [ -x "$(pg_config --bindir)/initdb" ]; }
}

if [ -n "${TEST_DATABASE_URL:-}" ]; then
  echo "PostgreSQL: the server of TEST_DATABASE_URL"
  have_server || echo "PostgreSQL: no server binaries; skipping tests that stop a server"
else
  if ! have_server; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
      echo "PostgreSQL: installing Debian's package postgresql"
      apt-get update -qq
      # Install the binaries only, without the package's own cluster and service.
      mkdir -p /etc/postgresql-common
      [ -e /etc/postgresql-common/createcluster.conf ] || echo "create_main_cluster = false" > /etc/postgresql-common/createcluster.conf
      # Debian's script of the package prints an error without a cluster. The check below has the last word.
      log=$(mktemp)
      DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql >"$log" 2>&1 || cat "$log" >&2
      rm -f "$log"
    fi
    have_server || {
      echo "the tests need PostgreSQL: set TEST_DATABASE_URL, or install the server binaries (Debian and Ubuntu: apt-get install postgresql)" >&2
      exit 1
    }
  fi
  echo "PostgreSQL: temporary clusters of the machine's binaries"
fi

for shell in bash zsh fish; do
  command -v "$shell" >/dev/null 2>&1 || echo "shell completion: $shell is not installed; skipping its test"
done
command -v chromium >/dev/null 2>&1 || echo "pages: chromium is not installed; skipping their tests in a browser"
if [ -z "${AXE_CORE:-}" ]; then
  AXE_CORE=$(sh scripts/axe-core.sh) && export AXE_CORE || echo "pages: axe-core is not there; skipping the test of accessibility (sh scripts/axe-core.sh --fetch)"
fi
[ -r /proc/self/status ] || echo "bodies: there is no /proc; skipping the test of the server's memory"
[ -e /dev/ptmx ] || echo "terminal: there are no pseudo terminals; skipping the test of prompts and progress"
command -v pgbouncer >/dev/null 2>&1 || [ -x /usr/sbin/pgbouncer ] || echo "pooler: pgbouncer is not installed; skipping the tests behind it"
command -v promtool >/dev/null 2>&1 || echo "metrics: promtool is not installed (Debian's package prometheus); skipping the tests of the alert rules"
command -v mandoc >/dev/null 2>&1 || echo "manual: mandoc is not installed; skipping the test of the pages' syntax"
command -v curl >/dev/null 2>&1 || echo "conform, action: curl is not installed; not running the commands that reports show, nor the action"
command -v jq >/dev/null 2>&1 || echo "tokens: jq is not installed; skipping the test of the jobs of CI systems"

echo "all tests take 10 to 25 minutes on two cores, the first of them without output, while packages are compiled"
trap 'exit 130' INT # without it, a shell whose go test was interrupted may start the next one
status=0
if [ "$("$GO" env CGO_ENABLED)" = 1 ] && command -v "$("$GO" env CC)" >/dev/null 2>&1; then
  echo "race detector: on; tests that call internal/racetest or internal/noracetest run afterwards without it"
  # Each package with what it and its tests import, so no list of packages can be out of date. Of a package of racetest, the
  # tests that skipped themselves run again: those whose first line says so.
  packages=$("$GO" list -f '{{.ImportPath}} {{.Imports}} {{.TestImports}} {{.XTestImports}}' "$@")
  raced=$(echo "$packages" | awk '!/[[ ][^ ]*\/internal\/noracetest/ { print $1 }')
  whole=$(echo "$packages" | awk '/[[ ][^ ]*\/internal\/noracetest/ { print $1 }')
  some=$(echo "$packages" | awk '/[[ ][^ ]*\/internal\/racetest/ && !/[[ ][^ ]*\/internal\/noracetest/ { print $1 }')
  skipped=$(grep -rh --include='*_test.go' -B1 'racetest\.Skip(t)' . | sed -n 's/^func \(Test[A-Za-z0-9_]*\)(.*/\1/p' | LC_ALL=C sort | paste -sd '|' -)
  # The longest come first, so that none of them runs alone at the end.
  longest=$(echo "$whole" | grep -E '/internal/(e2e|bench|conformance|specupdate)$' || true)
  whole="$longest $(echo "$whole" | grep -vE '/internal/(e2e|bench|conformance|specupdate)$' || true)"
  # SQLite is C that was translated to Go by machine: instrumented it is several times slower and shows no race of ours. Its
  # package lib has no generic code; packages that have some would bring it to others without instrumentation. make check vets.
  [ -z "$raced" ] || "$GO" test -timeout 20m -vet=off -race -gcflags='modernc.org/sqlite/lib=-race=false' $raced || status=1
  [ -z "$some" ] || "$GO" test -timeout 20m -vet=off -run "^($skipped)\$" $some || status=1
  [ "$whole" = " " ] || "$GO" test -timeout 20m -vet=off $whole || status=1
else
  echo "race detector: off, because there is no C compiler"
  CGO_ENABLED=0 "$GO" test -timeout 20m -vet=off "$@" || status=1
fi
exit $status
