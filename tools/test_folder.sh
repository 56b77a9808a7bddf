#!/bin/sh
# Prints the folder in which tests keep their servers: in memory, where PostgreSQL waits for no disk, if there is room for
# the gigabytes that they need, and programs may run there; otherwise on disk.
roomy_kb=8000000
free_kb() { df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 { print $4 }'; }
memory_kb() { awk '/^MemAvailable/ { print $2 }' /proc/meminfo 2>/dev/null; }
if [ -z "${TMPDIR:-}" ] && [ "$(free_kb || true)" -gt "$roomy_kb" ] 2>/dev/null &&
  [ "$(memory_kb)" -gt $((roomy_kb * 3 / 2)) ] 2>/dev/null && ! grep -q ' /dev/shm .*noexec' /proc/mounts; then
  echo /dev/shm
else
  echo "${TMPDIR:-/var/tmp}"
fi
