#!/bin/sh
# Runs the README's two commands as a new user does: with empty caches, as another user than root, from a tarball without
# git, in a path with a space. It takes as long as `make test` and the compilation of all modules.
set -eu
address=${LISTEN_ADDR:-127.0.0.1:18089}
dir=$(mktemp -d)
# stop ends `make run` and its children, which are a process group.
stop() {
  [ ! -s "$tree/run.pid" ] || kill -- "-$(cat "$tree/run.pid")" 2>/dev/null || true
  wait || true
}
finish() {
  stop
  chmod -R u+w "$dir"
  rm -rf "$dir"
}
trap finish EXIT
trap 'exit 130' INT TERM

home="$dir/new user"
tree="$home/deploy records"
mkdir -p "$tree"
tar -c --exclude=./.git --exclude=./bin --exclude=./.deployrecords . | tar -x -C "$tree"
as_user=
if [ "$(id -u)" = 0 ]; then
  chmod 755 "$dir"
  chown -R 65534:65534 "$home"
  as_user='setpriv --reuid=65534 --regid=65534 --clear-groups'
fi
# run COMMAND... runs a command in the tree with an environment of its own.
run() {
  (cd "$tree" && exec $as_user env -i HOME="$home" PATH="$PATH" TMPDIR="$home" LISTEN_ADDR="$address" ${GOPROXY:+GOPROXY="$GOPROXY"} "$@")
}

echo "make run, as $(run id -un 2>/dev/null || echo a user without a name), in $tree"
run setsid sh -c 'echo $$ > run.pid; exec make run' > "$dir/run.log" 2>&1 &
until grep -q 'export TOKEN=' "$dir/run.log"; do
  [ ! -s "$tree/run.pid" ] || kill -0 "$(cat "$tree/run.pid")" 2>/dev/null || {
    cat "$dir/run.log" >&2
    exit 1
  }
  sleep 1
done
token=$(sed -n 's/.*export TOKEN=//p' "$dir/run.log")
curl -fsS --retry 5 --retry-connrefused -o /dev/null -H "Authorization: Bearer $token" "http://$address/v1/deployments"
stop
rm "$tree/run.pid"

echo "make ${TARGET:-test}"
run make "${TARGET:-test}"
