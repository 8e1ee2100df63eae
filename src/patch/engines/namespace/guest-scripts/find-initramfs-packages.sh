#!/bin/sh
# Inside the guest: prints the packages that an initramfs is made of, one a line. By policy those that ship hooks for it
# depend on what their hooks copy. Prints nothing when the operator has hooks of his own: they may copy anything.
set -eu
if [ -n "$(find /etc/initramfs-tools/hooks /etc/initramfs-tools/scripts -type f -print -quit 2>/dev/null)" ]; then exit 0; fi
shippers=$(grep -l '^/usr/share/initramfs-tools/' /var/lib/dpkg/info/*.list | sed 's|.*/||; s/\.list$//; s/:.*//')
[ -n "$shippers" ] || exit 0
# shellcheck disable=SC2086
apt-cache -c /run/coldpatch/scripts/apt.conf -o Dir::State::Lists=/dev/null depends --recurse --installed \
  --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances $shippers | sed -n 's/^\([a-z0-9][^:]*\).*/\1/p' | sort -u
