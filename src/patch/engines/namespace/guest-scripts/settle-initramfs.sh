#!/bin/sh
# Inside the guest, after the package manager ended: every initramfs that was asked for is there, built once.
set -eu
state=/run/coldpatch/state
requests=$state/initramfs-requests
[ -e "$requests" ] || exit 0

# What the tools of initramfs read, beside programs and libraries.
inputs='/etc/initramfs-tools /etc/modprobe.d /etc/modules /etc/udev /etc/fstab /etc/crypttab /etc/mdadm /etc/lvm
  /etc/console-setup /etc/default/keyboard /etc/default/console-setup /etc/default/cryptdisks /usr/share/initramfs-tools /usr/lib/udev /usr/lib/modprobe.d /usr/lib/firmware'

# A build that ran beside the package manager counts when nothing that it may have read changed after it began:
# no package was unpacked, no configuration of the boot was written, and nobody asked for it again.
reason_to_build() {
  start=$state/build-$1.start
  if [ ! -e "$start" ]; then
    echo 'it was asked for without a build'
  elif sed "1,/^c $1\$/d" "$requests" | grep -q -E "^u (|all|$1)\$"; then
    echo 'it was asked for again'
  else
    find /var/lib/dpkg/info -name '*.list' -cnewer "$start" -printf '%p was unpacked\n' -quit
    # shellcheck disable=SC2086
    find $inputs "/usr/lib/modules/$1" "/lib/modules/$1" -cnewer "$start" -printf '%p changed\n' -quit 2>/dev/null || true
  fi
}

newest() {
  ls /var/lib/initramfs-tools 2>/dev/null | linux-version sort --reverse | head -n 1
}

for start in "$state"/build-*.start; do
  [ -e "$start" ] || continue
  while [ ! -e "${start%.start}.exit" ]; do sleep 0.1; done
  if [ "$(cat "${start%.start}.exit")" != 0 ]; then
    cat "${start%.start}.log" >&2
    echo "update-initramfs failed for ${start##*/build-}" >&2
    exit 1
  fi
done

sort -u "$requests" | while read -r mode version; do
  case $version in
    '') version=$(newest) ;;
    all) ls /var/lib/initramfs-tools ;;
  esac
  [ "$version" = all ] || echo "$version"
done | sort -u > "$state/initramfs-versions"

while read -r version; do
  [ -n "$version" ] || continue
  reason=$(reason_to_build "$version")
  if [ -n "$reason" ]; then
    echo "initramfs of $version: built now, because $reason"
    # The first build of a kernel may have to begin anew; an older kernel keeps its initramfs until then.
    if [ -e "/boot/initrd.img-$version" ]; then mode=-u; else mode=-c; fi
    /usr/sbin/update-initramfs "$mode" -k "$version"
  fi
  echo "$version" >> "$state/initramfs-built"
done < "$state/initramfs-versions"
