#!/bin/sh
# Makes a backup of the database once a day, into a folder that is called by its day, and keeps the newest ones.
#
#     daily-backup FOLDER HOUR KEPT
#
# HOUR is in Vietnamese time. It begins with one at once, where today has none. An older backup is removed only when a
# newer one is complete. The keys are not in it: docs/operating.md, "Backup".
set -u
trap 'exit 0' TERM INT
folder=$1 hour=$2 kept=$3
export TZ=UTC-7

while :; do
    day=$(date +%F)
    if [ ! -e "$folder/$day/backup.json" ]; then
        if thidua compose backup "$folder/$day"; then
            for old in $(ls -d "$folder"/????-??-??/ | sort -r | tail -n +"$((kept + 1))"); do
                rm -rf "$old"
            done
        else
            echo "daily-backup: no backup was made; the next try is in an hour" >&2
            sleep 3600 & wait $!
            continue
        fi
    fi
    now=$(date +%s)
    next=$(date -d "tomorrow $hour:00" +%s)
    sleep "$((next - now))" & wait $!
done
