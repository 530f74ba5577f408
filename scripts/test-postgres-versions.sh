#!/bin/sh
# Runs the tests that use PostgreSQL on each supported version, or on those of VERSIONS="16 18".
set -eu
GO=${GO:-go}
if ! command -v npm >/dev/null 2>&1; then
  echo "PostgreSQL versions: npm is not installed; skipping"
  exit 0
fi
unset TEST_DATABASE_URL
# The packages whose tests start a server.
packages=$("$GO" list -f '{{.ImportPath}} {{.TestImports}} {{.XTestImports}}' ./... |
  awk '/[[ ][^ ]*\/internal\/(pgtest|storetest)[] ]/ { print $1 }')
status=0
for version in ${VERSIONS:-15 16 17 18}; do
  bin=$(sh scripts/postgres.sh "$version" --fetch)
  "$bin/postgres" --version
  PATH="$bin:$PATH" "$GO" test -count=1 -timeout 60m ${PACKAGES:-$packages} || status=1
done
exit $status
