#!/bin/sh
# Creates the secrets of compose.yaml in deploy/secrets, and keeps those that exist. Containers run as other users, so they
# may read the files; the directory keeps the other users of the machine out.
set -eu
cd "$(dirname "$0")"
[ -d secrets ] || mkdir -m 700 secrets
cd secrets
umask 022
for name in postgres-password owner-password server-password reader-password jwt-hmac-secret ui-key; do
  [ -s "$name" ] || head -c 32 /dev/urandom | base64 | tr -d '/+=\n' > "$name"
done
for role in owner server; do
  echo "*:*:*:deployrecords_$role:$(cat "$role-password")" > "$role-pgpass"
done
