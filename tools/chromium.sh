#!/bin/sh
# The browser of the tests: Debian's Chromium. As root it is installed; otherwise it is unpacked into the cache folder.
# Prints the path of the program.
set -eu
cache=$(.venv/bin/python -c 'from local.paths import paths; print(paths().make().cache)')/chromium
for program in "${CHROMIUM:-}" /usr/bin/chromium "$cache/usr/bin/chromium"; do
    if [ -n "$program" ] && [ -x "$program" ]; then echo "$program"; exit 0; fi
done
command -v apt-get >/dev/null || { echo "no Chromium: install it, or set CHROMIUM=/path/to/chromium" >&2; exit 2; }
echo "installing Debian's Chromium for the browser tests (once, about a minute)" >&2
if [ "$(id -u)" = 0 ]; then
    apt-get update -qq >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null 2>&1
    echo /usr/bin/chromium
else
    mkdir -p "$cache/packages"
    cd "$cache/packages"
    # The packages that the machine lacks, with what they need, unpacked beside each other.
    needed=$(apt-get install -s --no-install-recommends chromium | awk '/^Inst / {print $2}')
    # shellcheck disable=SC2086 - a list of names
    apt-get download -qq $needed >&2
    for package in ./*.deb; do dpkg -x "$package" "$cache"; done
    echo "$cache/usr/bin/chromium"
fi
