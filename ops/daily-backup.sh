#!/bin/sh
# Makes a backup of the database once a day, into a folder that is called by its day, and keeps the newest ones.
#
#     daily-backup FOLDER HOUR KEPT
#
# HOUR is in Vietnamese time. It begins with one at once, where today has none. An older backup is removed only when a
# newer one is complete. Only backups that the key proves count, because others may be able to write in FOLDER. The keys
# are not in it: docs/operating.md, "Backup and restore".
set -u
trap 'exit 0' TERM INT
folder=$1 hour=$2 kept=$3
# Its time is when today's backup was due. It lies outside of FOLDER, for the health check.
mark=${TMPDIR:-/tmp}/daily-backup
export TZ=UTC-7

has_today() { thidua compose backups "$folder" | grep -qxF "$day"; }

while :; do
    day=$(date +%F)
    if ! has_today; then
        if ! thidua compose backup "$folder/$day" || ! has_today; then
            echo "daily-backup: no backup was made; the next try is in an hour" >&2
            sleep 3600 & wait $!
            continue
        fi
        thidua compose backups "$folder" --keep "$kept" >/dev/null || echo "daily-backup: older ones were not removed" >&2
    fi
    touch -d "$day $hour:00" "$mark"
    now=$(date +%s)
    next=$(date -d "tomorrow $hour:00" +%s)
    sleep "$((next - now))" & wait $!
done
