# In the appliance: puts the job of the boot test into the clone, and lets its kernel speak on the serial line too.
# /job/mounts has one filesystem a line: the number of its partition (0 for the whole disk), its first sector, its path.
# Ends with 0, with 71 or 72 when the clone cannot be mounted, and with 73 when its first process is not systemd.
set -u
export PATH=/bin:/sbin
root=/guest

disk_with_serial() {
  for disk in /sys/block/vd*; do
    if [ "$(cat "$disk/serial")" = "$1" ]; then basename "$disk"; fi
  done
}

device_of() {
  disk=$(disk_with_serial clone)
  if [ "$1" = 0 ]; then
    echo "/dev/$disk"
  elif [ "$(cat "/sys/class/block/$disk$1/start")" = "$2" ]; then
    echo "/dev/$disk$1"
  else
    echo "partition $1 does not start at sector $2" >&2
    return 1
  fi
}

while read -r number start path; do
  device=$(device_of "$number" "$start") || exit 71
  mount -t ext4 -o rw,noatime,nodev,nosuid "$device" "$root$path" || exit 72
done < /job/mounts

case $(readlink "$root/sbin/init") in
  */systemd) ;;
  *) exit 73 ;;
esac

cp -r /job/guest "$root/etc/coldpatch-boot-test" || exit 72
system=$root/etc/systemd/system
for target in sysinit emergency rescue; do
  mkdir -p "$system/$target.target.wants" || exit 72
  ln -s /etc/coldpatch-boot-test/coldpatch-boot-test.service "$system/$target.target.wants/" || exit 72
done
ln -s /etc/coldpatch-boot-test/coldpatch-boot-test.service "$system/" || exit 72

# First, so that the console that was the last one stays /dev/console.
for menu in "$root/boot/grub/grub.cfg" "$root/boot/grub2/grub.cfg"; do
  [ -f "$menu" ] || continue
  sed -i \
    -e '/^[[:space:]]*linux\(16\|efi\)\{0,1\}[[:space:]]/{
      /console=ttyS0/b
      /console=/!s/^\([[:space:]]*linux[a-z0-9]*[[:space:]]\{1,\}[^[:space:]]\{1,\}\)/\1 console=ttyS0 console=tty0/
      t
      s/^\([[:space:]]*linux[a-z0-9]*[[:space:]]\{1,\}[^[:space:]]\{1,\}\)/\1 console=ttyS0/
    }' "$menu"
done
for entry in "$root"/boot/loader/entries/*.conf; do
  [ -f "$entry" ] || continue
  sed -i \
    -e '/^options[[:space:]]/{
      /console=ttyS0/b
      /console=/!s/^options/options console=ttyS0 console=tty0/
      t
      s/^options/options console=ttyS0/
    }' "$entry"
done

sync
# The last that was mounted comes first.
sed '1!G;h;$!d' /proc/mounts | while read -r _ place _; do
  case $place in
    "$root" | "$root"/*) umount "$(printf '%b' "$place")" || exit 1 ;;
  esac
done || exit 72
