#!/bin/sh
# Serves testdata/demo.ndjson from an SQLite file. The secret is generated once and kept beside the database, so tokens
# printed earlier stay valid.
set -eu
umask 077
dir=.deployrecords
bin=bin/deployrecords
mkdir -p "$dir"
[ -s "$dir/secret" ] || head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n' > "$dir/secret"
export DATABASE_URL="sqlite://$dir/demo.db" JWT_HMAC_SECRET_FILE="$dir/secret" LISTEN_ADDR="${LISTEN_ADDR:-127.0.0.1:8080}"

"$bin" import --organization demo testdata/demo.ndjson
token=$("$bin" token --organization demo --ttl 720h)
cat <<END

List what runs where (paste these lines into another terminal):

  export TOKEN=$token
  curl -s -H "Authorization: Bearer \$TOKEN" 'http://$LISTEN_ADDR/v1/deployments?pagination.page_size=3'

END
exec "$bin" serve
