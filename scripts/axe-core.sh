#!/bin/sh
# Prints the path of axe-core, which judges the accessibility of the pages. With --fetch, npm downloads it if it is missing. It is test
# data and no dependency: its license is MPL-2.0.
set -eu
version=4.14.1
digest=29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c
dir="${XDG_CACHE_HOME:-$HOME/.cache}/deployrecords/axe-core-$version"
file="$dir/package/axe.min.js"
if [ ! -s "$file" ] && [ "${1:-}" = --fetch ]; then
  mkdir -p "$dir"
  (cd "$dir" && npm pack --silent "axe-core@$version" >/dev/null && tar -xzf "axe-core-$version.tgz" package/axe.min.js)
fi
[ -s "$file" ] || exit 1
echo "$digest  $file" | sha256sum -c --status || { echo "$file is not axe-core $version" >&2; exit 1; }
echo "$file"
