#!/bin/sh
# Writes a backup of the server's database that is named by its time, and removes the oldest ones.
set -eu
directory=${COLDPATCH_BACKUP_DIRECTORY:?}
kept=${COLDPATCH_BACKUPS_KEPT:?}
mkdir -p -m 0700 "$directory"
"$(dirname "$0")/../../bin/coldpatch" backup "$directory/coldpatch-$(date -u +%Y%m%dT%H%M%SZ).db"
# Names are dates, so that the order of names is that of time.
find "$directory" -maxdepth 1 -type f -name 'coldpatch-*.db' | sort -r | tail -n "+$((kept + 1))" |
  while read -r old; do rm -f -- "$old"; done
