#!/bin/sh
# Tests the files of deploy/. They are a module of their own, whose dependencies the server does not have.
set -eu
GO=${GO:-go}
[ "$(id -u)" = 0 ] && unshare --mount true 2>/dev/null || echo "image: only root that may mount can run it in an empty root; skipping these tests"
command -v systemd-analyze >/dev/null 2>&1 || echo "systemd: systemd-analyze is not installed (Debian's package systemd); skipping the test of the unit's hardening"
cd deploy
"$GO" mod tidy -diff
exec "$GO" test ./...
