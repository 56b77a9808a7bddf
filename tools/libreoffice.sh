#!/bin/sh
# The spreadsheet program of the tests: Debian's LibreOffice Calc without a window, unpacked into the cache folder, as root
# too: nothing is installed. Prints the path of the program; about 90 MB are downloaded the first time.
set -eu
cache=$(.venv/bin/python -c 'from local.paths import paths; print(paths().make().cache)')/libreoffice
for program in "${SOFFICE:-}" /usr/bin/soffice "$cache/soffice"; do
    if [ -n "$program" ] && [ -x "$program" ]; then echo "$program"; exit 0; fi
done
command -v apt-get >/dev/null || { echo "no LibreOffice: install it, or set SOFFICE=/path/to/soffice" >&2; exit 2; }
echo "unpacking Debian's LibreOffice for the tests of downloads (once, about a minute)" >&2
mkdir -p "$cache/packages"
cd "$cache/packages"
# The packages that the machine lacks, with what they need, unpacked beside each other.
needed=$(apt-get install -s --no-install-recommends libreoffice-calc-nogui | awk '/^Inst / {print $2}')
# shellcheck disable=SC2086 - a list of names
apt-get download -qq $needed >&2
for package in ./*.deb; do dpkg -x "$package" "$cache"; done
rm -rf "$cache/packages"
# Where Debian names its own places in full, they are here; what its packages copy when they are installed is linked.
office="$cache/usr/lib/libreoffice"
rm -rf "$cache/etc/libreoffice/registry"
ln -s "$office/share/.registry" "$cache/etc/libreoffice/registry"
ln -sfn "$office/share/.registry" "$office/share/registry"
for file in "$office"/program/*rc; do
    sed -i "s|file:///usr/lib/libreoffice|file://$office|g; s|file:///etc/libreoffice|file://$cache/etc/libreoffice|g" "$file"
done
libraries=$(find "$cache/usr/lib" -name 'lib*.so.*' -not -path "$office/*" -exec dirname {} + | sort -u | paste -sd: -)
cat >"$cache/soffice" <<END
#!/bin/sh
LD_LIBRARY_PATH="$office/program:$libraries" exec "$office/program/soffice" "\$@"
END
chmod 755 "$cache/soffice"
echo "$cache/soffice"
