#!/bin/sh
# Builds the files of a release into bin/release: archives, packages, SBOMs and checksums. The version is the commit's tag or, without
# one, that of a snapshot. The same commit yields the same bytes. PLATFORMS="linux/amd64" builds for one platform.
set -eu
GO=${GO:-go}
out=bin/release
commit=$(git rev-parse HEAD)
tag=$(git describe --tags --exact-match --match 'v*' 2>/dev/null || echo "v0.0.0-snapshot.$(git rev-parse --short HEAD)")
VERSION=${tag#v}
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) # which nfpm reads too
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
MAN=$work/man
export VERSION SOURCE_DATE_EPOCH MAN

# tool NAME ARGUMENT... runs a program of tools/release.
tool() {
  "$GO" tool -modfile=tools/release/go.mod "$@"
}

rm -rf "$out"
mkdir -p "$out"
"$GO" run ./cmd/manpages -dir "$MAN" -version "$VERSION" -date "$(TZ=UTC git log -1 --format=%cd --date=format-local:%Y-%m-%d)"
gzip -9 --no-name --keep "$MAN"/*.1

flags="-s -w -X github.com/deployrecords/deployrecords/internal/cli.Version=$tag -X github.com/deployrecords/deployrecords/internal/cli.Commit=$commit"
for platform in ${PLATFORMS:-linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64}; do
  os=${platform%/*} ARCH=${platform#*/}
  name=deployrecords_${VERSION}_${os}_$ARCH
  program=deployrecords
  [ "$os" != windows ] || program=deployrecords.exe
  TREE=$work/$name
  export ARCH TREE
  mkdir -p "$TREE/man" "$TREE/completions"
  GOOS=$os GOARCH=$ARCH CGO_ENABLED=0 "$GO" build -trimpath -ldflags "$flags" -o "$TREE/$program" ./cmd/deployrecords
  cp LICENSE README.md CHANGELOG.md "$TREE"
  cp "$MAN"/*.1 "$TREE/man"
  cp internal/cli/completion/* "$TREE/completions"
  (cd "$TREE" && tar --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --mode=a+rX,u+w,go-w -cf - *) |
    gzip -9 --no-name >"$out/$name.tar.gz"
  tool cyclonedx-gomod bin -json -noserial -version "$tag" -output "$TREE.json" "$TREE/$program"
  sed "s/\"timestamp\": \"[^\"]*\"/\"timestamp\": \"$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)\"/" "$TREE.json" >"$out/$name.cdx.json"
  if [ "$os" = linux ]; then
    tool nfpm package --config deploy/packages/nfpm.yaml --packager deb --target "$out/"
    tool nfpm package --config deploy/packages/nfpm.yaml --packager rpm --target "$out/"
  fi
done
(cd "$out" && sha256sum -- * >"$work/checksums.txt" && mv "$work/checksums.txt" .)
