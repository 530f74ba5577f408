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
export LOG_FORMAT=text LOG_LEVEL=info # the loop below reads the log

"$bin" import --organization demo testdata/demo.ndjson
token=$("$bin" token --organization demo --ttl 720h)

# The server's log passes through a pipe, so that the lines to paste follow the line that the server listens.
rm -f "$dir/log"
mkfifo "$dir/log"
(
  trap '' INT TERM # reads to the end of the log
  while IFS= read -r line; do
    printf '%s\n' "$line" >&2
    case $line in *" msg=listening address="*) ;; *) continue ;; esac
    url=http://${line##*address=}
    cat <<END

Look at what runs where: open $url/ and log in with this token:

  $token

Or list it. Paste these lines into another terminal:

  export TOKEN=$token
  DEPLOYRECORDS_TOKEN=\$TOKEN $bin list --page-size 3 --url $url
  curl -s -H "Authorization: Bearer \$TOKEN" '$url/v1/deployments?pagination.page_size=3'

END
  done < "$dir/log"
) &
exec "$bin" serve 2> "$dir/log"
