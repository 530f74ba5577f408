#!/bin/sh
# Runs the linters and tests of deploy/, a module of its own, whose dependencies the server does not have.
set -eu
GO=${GO:-go}
[ "$(id -u)" = 0 ] && unshare --mount true 2>/dev/null || echo "image: only root that may mount can run it in an empty root; skipping these tests"
command -v systemd-analyze >/dev/null 2>&1 || echo "systemd: systemd-analyze is not installed (Debian's package systemd); skipping the test of the unit's hardening"
cd deploy
"$GO" mod tidy -diff
"$GO" tool -modfile=../tools/go.mod golangci-lint run
exec "$GO" test ./...
