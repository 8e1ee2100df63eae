#!/bin/sh
# Inside the guest: upgrades to exactly the planned packages, then settles what package scripts asked for.
set -eu
base=/run/coldpatch
. "$base/scripts/environment.sh"
PATH=$base/scripts/deferred:$PATH

policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  cp "$base/scripts/stand-ins/policy-rc.d" "$policy"
fi

# The postinst of grub-pc stops when the disk that it was installed on is gone. grub-install itself is a stand-in.
if [ -x /usr/bin/debconf-communicate ]; then
  answer=$(echo 'GET grub-pc/install_devices' | /usr/bin/debconf-communicate 2>/dev/null) || answer=
  for device in $(printf '%s' "${answer#* }" | tr ',' ' '); do
    case $device in
      /dev/*/../* | *..*) ;;
      /dev/*) [ -e "$device" ] || { mkdir -p "${device%/*}" && : > "$device"; } ;;
    esac
  done
fi

mkdir -p "$base/state/lists/partial" "$base/state/archives/partial" "$base/state/cache"
apt-get -c "$base/scripts/apt.conf" -q update
# Status lines go to descriptor 3: apt closes the one that it is given to all that it runs.
apt-get -c "$base/scripts/apt.conf" -q -y --allow-downgrades -o APT::Status-Fd=3 dist-upgrade 3>&1
sh "$base/scripts/settle-initramfs.sh"
