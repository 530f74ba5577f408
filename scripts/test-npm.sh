#!/bin/sh
# Installs the npm packages of this platform in an empty folder, without a registry, and runs the lines of their README with
# Node's test runner. It needs npm.
set -eu
if ! command -v npm >/dev/null 2>&1; then
  echo "npm: npm is not installed; skipping the test of its packages"
  exit 0
fi
platform=$(node -p 'process.platform + "-" + process.arch')
PLATFORMS=$platform sh scripts/npm.sh
tarballs=$PWD/bin/npm
readme=$PWD/npm/deployrecords-mock/README.md
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export npm_config_cache="$dir/cache" npm_config_registry=http://127.0.0.1:9/ npm_config_fetch_retries=0
npm init --yes >/dev/null
npm install --offline --no-audit --no-fund "$tarballs"/*.tgz
sed -n '/^```js$/,/^```$/{/^```/!p}' "$readme" > readme.test.mjs
[ -s readme.test.mjs ]
node --test --test-reporter=spec readme.test.mjs
npx --offline deployrecords-mock --help | grep -q 'Usage: deployrecords serve'
