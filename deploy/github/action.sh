#!/usr/bin/env bash
# The step of action.yml. Each input is a variable INPUT_…, empty if it is not given. The program checks the values of its flags
# itself; this script checks the rest. Bash 3.2, of macOS, must read it.
set -euo pipefail

faults=0
fault() {
  echo "::error title=deployrecords::$1"
  faults=1
}
# require VALUE PATTERN TEXT reports a value that does not match an extended regular expression as a whole.
require() {
  [[ $1 =~ ^($2)$ ]] || fault "$3"
}

# Inputs that only some commands have.
recording=(environment logical-environment deployment image chart version digest project project-version observed-at idempotency-key retry-for)
conforming=(value report)
# get NAME sets value to an input.
get() {
  local name=INPUT_${1//-/_}
  value=${!name}
}
reject() {
  local name
  for name in "$@"; do
    get "$name"
    [ -z "$value" ] || fault "$name: is no input of the command $INPUT_command"
  done
}

loopback='http://(127\.0\.0\.1|localhost)(:[0-9]+)?(/.*)?'
require "$INPUT_command" 'record|decommission|conform' "command: is not record, decommission or conform"
require "$INPUT_url" 'https?://[^[:space:]]+' "url: is not the http or https URL of a server"
require "$INPUT_strict" 'true|false' "strict: is neither true nor false"
require "$INPUT_release" 'latest|v[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?' "release: is neither latest nor a version such as v1.2.3"
require "$INPUT_sha256" '([0-9a-f]{64})?' "sha256: is not 64 hexadecimal digits in lower case"
require "$INPUT_download_url" "https://[^[:space:]]+|$loopback" "download-url: is not an https URL"
case $INPUT_command in
conform) reject "${recording[@]}" ;;
*)
  reject "${conforming[@]}"
  [ "$INPUT_strict" = false ] || fault "strict: is no input of the command $INPUT_command"
  ;;
esac
if [ -z "$INPUT_token" ] && [ -z "${ACTIONS_ID_TOKEN_REQUEST_URL:-}" ]; then
  fault "token: is not given, and the job cannot request an OIDC token: add 'permissions: {id-token: write}' to the job"
fi
[ "$faults" = 0 ] || exit 2

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# fetch URL FILE downloads a file. A redirect leads to https only, unless the runner itself serves it.
fetch() {
  local to='=https'
  [[ ! $1 =~ ^$loopback$ ]] || to='=https,http'
  curl --silent --show-error --fail --location --proto "$to" --proto-redir "$to" --retry 3 --output "$2" "$1"
}

# download sets program to the verified program of a release.
download() {
  local os arch archive wanted path=download/$INPUT_release
  case ${RUNNER_OS:-$(uname -s)} in
  Linux) os=linux ;;
  macOS | Darwin) os=darwin ;;
  *) echo "::error title=deployrecords::binary: is not given, and the action downloads releases for Linux and macOS only" && exit 2 ;;
  esac
  case ${RUNNER_ARCH:-$(uname -m)} in
  X64 | x86_64) arch=amd64 ;;
  ARM64 | aarch64 | arm64) arch=arm64 ;;
  *) echo "::error title=deployrecords::binary: is not given, and no release is for this processor" && exit 2 ;;
  esac
  [ "$INPUT_release" != latest ] || path=latest/download
  fetch "$INPUT_download_url/$path/checksums.txt" "$work/checksums.txt"
  # A line is "digest  name".
  read -r wanted archive < <(grep -E "^[0-9a-f]{64}  deployrecords_[0-9A-Za-z.-]+_${os}_${arch}\.tar\.gz$" "$work/checksums.txt") || {
    echo "::error title=deployrecords::checksums.txt of the release has no archive for $os and $arch" && exit 1
  }
  fetch "$INPUT_download_url/$path/$archive" "$work/archive"
  digest=$(if command -v sha256sum >/dev/null; then sha256sum <"$work/archive"; else shasum -a 256 <"$work/archive"; fi)
  if [ "${digest%% *}" != "${INPUT_sha256:-$wanted}" ]; then
    echo "::error title=deployrecords::$archive has the SHA-256 ${digest%% *} instead of ${INPUT_sha256:-$wanted}" && exit 1
  fi
  tar -xzf "$work/archive" -C "$work" deployrecords
  program=$work/deployrecords
}

program=$INPUT_binary
[ -n "$program" ] || download

token=$INPUT_token
if [ -z "$token" ]; then
  # The header is not an argument: other users of a machine can read those.
  token=$(printf 'header = "Authorization: bearer %s"\n' "${ACTIONS_ID_TOKEN_REQUEST_TOKEN:-}" |
    curl --silent --show-error --fail --retry 3 --config - --get --data-urlencode "audience=${INPUT_audience:-$INPUT_url}" \
      "$ACTIONS_ID_TOKEN_REQUEST_URL" | sed -n 's/.*"value" *: *"\([A-Za-z0-9_.-]*\)".*/\1/p')
  [ -n "$token" ] || { echo "::error title=deployrecords::the response to the request for an OIDC token has no token" && exit 1; }
fi
echo "::add-mask::$token"
export DEPLOYRECORDS_URL=$INPUT_url DEPLOYRECORDS_TOKEN=$token
unset DEPLOYRECORDS_TOKEN_FILE

arguments=()
# flag NAME adds the flag for an input, once for each of its lines.
flag() {
  local line
  get "$1"
  while IFS= read -r line; do
    [ -z "$line" ] || arguments+=("--$1=$line")
  done <<<"$value"
}
result=$work/result
if [ "$INPUT_command" = conform ]; then
  flag value
  [ "$INPUT_strict" = false ] || arguments+=(--strict)
  [ -z "$INPUT_report" ] || { arguments+=(--output=junit) && result=$INPUT_report; }
  set -- conform "${arguments[@]+"${arguments[@]}"}"
else
  for name in "${recording[@]}"; do flag "$name"; done
  [ "$INPUT_command" = record ] || arguments+=(--decommission)
  set -- record --output=json "${arguments[@]}"
fi

# What the program prints comes from other machines. It must not be commands to the runner.
stop=$(od -An -N16 -tx1 /dev/urandom | tr -d " \n")
echo "::stop-commands::$stop"
code=0
"$program" "$@" >"$result" || code=$?
[ -n "$INPUT_report" ] || cat "$result"
echo "::$stop::"

if [ "$INPUT_command" != conform ] && [ "$code" = 0 ]; then
  { echo "record<<$stop" && cat "$result" && echo && echo "$stop"; } >>"$GITHUB_OUTPUT"
fi
[ "$code" = 0 ] || echo "::error title=deployrecords::$INPUT_command failed with exit code $code"
exit "$code"
