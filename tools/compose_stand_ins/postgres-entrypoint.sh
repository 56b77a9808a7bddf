#!/bin/sh
# Makes the cluster and its first database at the first start, as Docker's own image does.
set -eu
data=/var/lib/postgresql/18/docker
if [ ! -s "$data/PG_VERSION" ]; then
    mkdir -p "$data"
    printf '%s' "$POSTGRES_PASSWORD" >/tmp/password
    # shellcheck disable=SC2086
    initdb -D "$data" --username="$POSTGRES_USER" --pwfile=/tmp/password --no-instructions ${POSTGRES_INITDB_ARGS:-}
    rm /tmp/password
    printf 'host all all all scram-sha-256\n' >>"$data/pg_hba.conf"
    postgres -D "$data" -c listen_addresses='' -c unix_socket_directories=/tmp & server=$!
    until pg_isready --quiet --host=/tmp; do sleep 0.2; done
    PGPASSWORD=$POSTGRES_PASSWORD psql --quiet --host=/tmp --username="$POSTGRES_USER" --dbname=postgres \
        --command="create database \"$POSTGRES_DB\""
    kill -INT "$server" && wait "$server"
fi
shift
exec postgres -D "$data" -c listen_addresses='*' -c unix_socket_directories=/var/run/postgresql "$@"
