#!/bin/sh
# Inside the guest: builds every initramfs that package scripts asked for, once.
#
#   initramfs.sh begin    starts what was asked for until now, to run beside the package manager
#   initramfs.sh settle   waits for those, and builds what they do not answer
set -eu
state=/run/coldpatch/state
requests=$state/initramfs-requests
begun=$state/initramfs-begun

# What the tools of initramfs read, beside the files of the packages in initramfs-packages.
inputs='/etc/initramfs-tools /etc/modprobe.d /etc/modules /etc/udev /etc/fstab /etc/crypttab /etc/mdadm /etc/lvm
  /etc/console-setup /etc/default/keyboard /etc/default/console-setup /etc/default/cryptdisks /usr/share/initramfs-tools /usr/lib/udev /usr/lib/modprobe.d /usr/lib/firmware'

newest() {
  ls /var/lib/initramfs-tools 2>/dev/null | linux-version sort --reverse | head -n 1
}

# The kernels of a list of requests.
versions() {
  [ -e "$1" ] || return 0
  sort -u "$1" | while read -r mode version; do
    case $version in
      '') newest ;;
      all) ls /var/lib/initramfs-tools ;;
      *) echo "$version" ;;
    esac
  done | sort -u
}

build() {
  # A kernel's first build may have to begin anew; an older kernel keeps its initramfs until the new one is there.
  if [ -e "/boot/initrd.img-$1" ]; then mode=-u; else mode=-c; fi
  TMPDIR=/tmp /usr/sbin/update-initramfs "$mode" -k "$1"
}

# A build that ran beside the package manager counts when nothing that it may have read changed after it began,
# and nobody asked for it again.
reason_to_build() {
  start=$state/build-$1.start
  if [ ! -e "$start" ]; then
    echo 'it was not begun before'
  elif [ "$(cat "$state/build-$1.exit")" != 0 ]; then
    echo 'it failed beside the package manager'
  elif versions "$requests" | grep -qxF "$1"; then
    echo 'it was asked for again'
  else
    find /var/lib/dpkg/info -name '*.list' -cnewer "$start" -printf '%f\n' | sed 's/\.list$//; s/:.*//' |
      grep -xFf "$state/initramfs-packages" | sed 's/$/ was unpacked/'
    # shellcheck disable=SC2086
    find $inputs "/usr/lib/modules/$1" "/lib/modules/$1" -cnewer "$start" -printf '%p changed\n' -quit 2>/dev/null || true
  fi
}

case $1 in
  begin)
    [ -e "$requests" ] || exit 0
    mv "$requests" "$begun"
    for version in $(versions "$begun"); do
      : > "$state/build-$version.start"
      (
        code=0
        build "$version" || code=$?
        echo "$code" > "$state/build-$version.exit"
      ) > "$state/build-$version.log" 2>&1 < /dev/null &
      echo $! > "$state/build-$version.pid" || true
    done
    ;;
  settle)
    for version in $({ versions "$begun"; versions "$requests"; } | sort -u); do
      start=$state/build-$version.start
      pid=$(cat "$state/build-$version.pid" 2>/dev/null || true)
      # On a full filesystem it ends without a word.
      while [ -e "$start" ] && [ ! -s "$state/build-$version.exit" ] && [ -e "/proc/$pid/exe" ]; do sleep 0.1; done
      reason=$(reason_to_build "$version")
      if [ -n "$reason" ]; then
        echo "initramfs of $version: built now, because" $reason
        build "$version"
      fi
      echo "$version" >> "$state/initramfs-built"
    done
    ;;
esac
