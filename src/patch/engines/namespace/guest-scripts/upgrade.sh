#!/bin/sh
# Inside the guest: upgrades to exactly the planned packages, then settles what package scripts asked for.
set -eu
base=/run/coldpatch
. "$base/scripts/environment.sh"
PATH=$base/scripts/deferred:$PATH

policy=/usr/sbin/policy-rc.d
# In a copy that was started, services may.
if [ ! -e "$policy" ] && [ ! -e "$base/scripts/services-run" ]; then
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

apt() {
  apt-get -c "$base/scripts/apt.conf" -q -y "$@"
}

mkdir -p "$base/state/lists/partial" "$base/state/archives/partial" "$base/state/cache"
apt update

# What an initramfs is made of comes first, so that it is built beside the rest of the upgrade.
sh "$base/scripts/find-initramfs-packages.sh" > "$base/state/initramfs-packages"
if [ -s "$base/state/initramfs-packages" ]; then
  {
    echo "Package: linux-image-* linux-modules-* linux-base* firmware-*" $(cat "$base/state/initramfs-packages")
    printf 'Pin: origin ""\nPin-Priority: 1001\n\nPackage: *\nPin: origin ""\nPin-Priority: -1\n'
  } > "$base/state/preferences"
  # Where this part cannot go alone, or fails, the whole has the last word.
  apt --no-remove --allow-downgrades -o "Dir::Etc::Preferences=$base/state/preferences" dist-upgrade || true
  sh "$base/scripts/initramfs.sh" begin
fi

# Status lines go to descriptor 3: apt closes the one that it is given to all that it runs.
apt --allow-downgrades -o APT::Status-Fd=3 dist-upgrade 3>&1
sh "$base/scripts/initramfs.sh" settle
