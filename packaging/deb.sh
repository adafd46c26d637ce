#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# `make deb`: build/sluice_VERSION_ARCH.deb from what is built. Needs dpkg-deb and dpkg-shlibdeps only.
set -eu
cd "$(dirname "$0")/.."
version=$(build/sluice --version | cut -d' ' -f2)
arch=$(dpkg --print-architecture)
root=build/deb/root
rm -rf build/deb
mkdir -p "$root/DEBIAN" build/deb/debian
install -D -m 755 build/sluice "$root/usr/bin/sluice"
strip --strip-unneeded "$root/usr/bin/sluice"
install -D -m 644 docs/sluice.1 "$root/usr/share/man/man1/sluice.1"
gzip -9n "$root/usr/share/man/man1/sluice.1"
install -D -m 644 packaging/sluice.service "$root/lib/systemd/system/sluice.service"
install -D -m 644 packaging/logrotate "$root/etc/logrotate.d/sluice"
# The sample: a configuration that is valid but for the plant that it describes.
install -D -m 640 systems/heating-plant/sluice.yaml "$root/etc/sluice/sluice.yaml"
# Its audit has a line for every message; a plant wants the default.
sed -i '/A line for every message/,/audit: { lines: each }/d' "$root/etc/sluice/sluice.yaml"
install -D -m 644 LICENSE "$root/usr/share/doc/sluice/copyright"
for page in docs/policy.md docs/operation.md docs/audit.md docs/caveats.md CHANGES.md; do
    install -D -m 644 "$page" "$root/usr/share/doc/sluice/$(basename "$page")"
done
printf '%s\n' /etc/sluice/sluice.yaml /etc/logrotate.d/sluice >"$root/DEBIAN/conffiles"

# The libraries that it links, with the versions that it needs.
printf 'Source: sluice\n\nPackage: sluice\nArchitecture: any\n' >build/deb/debian/control
depends=$(cd build/deb && dpkg-shlibdeps -O --ignore-missing-info root/usr/bin/sluice 2>/dev/null |
    sed -n 's/^shlibs:Depends=//p')
[ -n "$depends" ] || { echo "deb: dpkg-shlibdeps found no libraries" >&2; exit 1; }
cat >"$root/DEBIAN/control" <<CONTROL
Package: sluice
Version: $version
Architecture: $arch
Maintainer: The Sluice developers <sluice@localhost>
Depends: $depends
Recommends: logrotate
Section: net
Priority: optional
Installed-Size: $(du -sk "$root" | cut -f1)
Description: security gateway for industrial control protocols
 Stands between an external and an internal (control) network, terminates the
 protocol on each side, decodes every message strictly, decides by policy,
 default deny, and sends a message built anew.
CONTROL
for script in postinst prerm postrm; do
    install -m 755 "packaging/$script" "$root/DEBIAN/$script"
done
dpkg-deb --root-owner-group --build "$root" "build/sluice_${version}_$arch.deb"
