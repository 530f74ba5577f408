#!/bin/sh
# Builds the container image twice, the second time in another directory and with an empty build cache, and fails if a file
# differs.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
release="VERSION=v0.0.0-test COMMIT=$(git rev-parse HEAD 2>/dev/null || echo unknown) CREATED=1790000000"
copy=$dir/tree
mkdir "$copy" "$dir/cache"
tar -c --exclude=./.git --exclude=./bin --exclude=./.deployrecords . | tar -x -C "$copy"
make -s image $release
(cd "$copy" && GOCACHE="$dir/cache" make -s image $release)
for name in image image-amd64.tar image-arm64.tar; do
  diff -r "bin/$name" "$copy/bin/$name"
done
echo "image: two builds are the same"
