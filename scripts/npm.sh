#!/bin/sh
# Builds the tarballs of the npm package deployrecords-mock, and of one package for each platform with the program, into
# bin/npm. PLATFORMS selects platforms in the words of Node; VERSION is that of the packages.
set -eu
GO=${GO:-go}
VERSION=${VERSION:-0.0.0-dev}
ALL="linux-x64 linux-arm64 darwin-x64 darwin-arm64 win32-x64"
PLATFORMS=${PLATFORMS:-$ALL}
out=$PWD/bin/npm
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
rm -rf "$out"
mkdir -p "$out"

# pack FOLDER packs a package with the license.
pack() {
  cp LICENSE "$1"
  (cd "$out" && npm pack --silent "$1")
}

# The main package names all platforms, whichever are built: npm installs the one that fits.
cp -R npm/deployrecords-mock "$work/mock"
node -e '
const fs = require("node:fs");
const [file, version, ...platforms] = process.argv.slice(1);
const manifest = JSON.parse(fs.readFileSync(file, "utf8"));
manifest.version = version;
manifest.optionalDependencies = Object.fromEntries(platforms.map((p) => [`@deployrecords/${p}`, version]));
fs.writeFileSync(file, JSON.stringify(manifest, null, 2) + "\n");
' "$work/mock/package.json" "$VERSION" $ALL
pack "$work/mock"

for platform in $PLATFORMS; do
  os=${platform%-*} cpu=${platform#*-}
  goos=$os goarch=$cpu suffix=
  [ "$os" != win32 ] || { goos=windows suffix=.exe; }
  [ "$cpu" != x64 ] || goarch=amd64
  mkdir -p "$work/$platform"
  CGO_ENABLED=0 GOOS=$goos GOARCH=$goarch "$GO" build -trimpath -ldflags "${LDFLAGS:--s -w}" \
    -o "$work/$platform/bin/deployrecords$suffix" ./cmd/deployrecords
  printf '{\n  "name": "@deployrecords/%s",\n  "version": "%s",\n  "description": "The program of deployrecords for %s.",\n  "license": "Apache-2.0",\n  "os": ["%s"],\n  "cpu": ["%s"]\n}\n' \
    "$platform" "$VERSION" "$platform" "$os" "$cpu" > "$work/$platform/package.json"
  pack "$work/$platform"
done
