# In the appliance: where the copy's filesystems are, and how they are mounted. To be sourced.
# /job/mounts has one filesystem a line: the number of its partition (0 for the whole disk), its first sector, its path.
export PATH=/bin:/sbin
root=/guest

disk_with_serial() {
  for disk in /sys/block/vd*; do
    if [ "$(cat "$disk/serial")" = "$1" ]; then basename "$disk"; fi
  done
}

device_of() {
  disk=$(disk_with_serial copy)
  if [ "$1" = 0 ]; then
    echo "/dev/$disk"
  elif [ "$(cat "/sys/class/block/$disk$1/start")" = "$2" ]; then
    echo "/dev/$disk$1"
  else
    echo "partition $1 does not start at sector $2" >&2
    return 1
  fi
}

mount_guest() {
  while read -r number start path; do
    device=$(device_of "$number" "$start") || return 1
    mount -t ext4 -o "$1" "$device" "$root$path" || return 1
  done < /job/mounts
}

# The last that was mounted comes first.
unmount_guest() {
  sed '1!G;h;$!d' /proc/mounts | while read -r _ place _; do
    case $place in
      "$root" | "$root"/*) umount "$(printf '%b' "$place")" || exit 1 ;;
    esac
  done
}
