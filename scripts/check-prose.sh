#!/bin/sh
# Checks the prose of documents and Go comments with vale, which needs a C compiler to build.
set -eu
GO=${GO:-go}
if [ "$($GO env CGO_ENABLED)" != 1 ] || ! command -v "$($GO env CC)" >/dev/null 2>&1; then
  echo "prose: skipping vale, because there is no C compiler"
  exit 0
fi
git ls-files --cached --others --exclude-standard '*.md' '*.go' ':!generated' |
  while read -r file; do [ ! -e "$file" ] || echo "$file"; done |
  xargs "$GO" tool -modfile=tools/go.mod vale --output=line
