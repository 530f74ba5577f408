#!/bin/sh
# Runs the tests of examples/contract-testing-typescript against bin/deployrecords if npm is installed. Their packages come
# from the npm registry.
set -eu
if ! command -v npm >/dev/null 2>&1; then
  echo "TypeScript: npm is not installed; skipping the example's tests"
  exit 0
fi
DEPLOYRECORDS=$PWD/bin/deployrecords
export DEPLOYRECORDS
cd examples/contract-testing-typescript
npm ci --no-audit --no-fund
exec npm test
