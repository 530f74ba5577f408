#!/bin/sh
# Checks the prose of documents and Go comments with vale, which needs a C compiler to build.
set -eu
GO=${GO:-go}
if [ "$("$GO" env CGO_ENABLED)" != 1 ] || ! command -v "$("$GO" env CC)" >/dev/null 2>&1; then
  echo "prose: skipping vale, because there is no C compiler"
  exit 0
fi
# find, because a source archive has no git repository.
find . \( -name '.?*' -o -name generated -o -name node_modules -o -name bin \) -prune -o \
  -type f \( -name '*.md' -o -name '*.go' \) -exec "$GO" tool -modfile=tools/go.mod vale --output=line {} +
