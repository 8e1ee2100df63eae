# In the appliance: where the copy's filesystems are, and how they are mounted. To be sourced.
# /job/mounts has one filesystem a line: the number of its partition (0 for the whole disk), its first sector, its type,
# its subvolume or -, its path.
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

# Unpacks the programs and modules that only some jobs need.
unpack_tools() {
  [ -e /modules/xfs.order ] || (cd / && cpio -idmu < "/dev/$(disk_with_serial tools)")
}

load_modules() {
  unpack_tools || return 1
  while read -r module; do
    [ -e "/sys/module/$module" ] || insmod "/modules/$module.ko" || return 1
  done < "/modules/$1.order"
}

# mount_guest OPTIONS WITHOUT-JOURNAL: with "yes", what a journal holds is not written to the disk.
mount_guest() {
  while read -r number start type subvolume path; do
    device=$(device_of "$number" "$start") || return 1
    case $type:$2 in
      ext4:yes) options=noload ;;
      ext4:*) options=noauto_da_alloc,commit=300 ;;
      xfs:yes) options=norecovery ;;
      btrfs:yes) options=rescue=nologreplay ;;
      btrfs:*) options=commit=300 ;;
      vfat:*) options=umask=0077,utf8 ;;
      *) options=defaults ;;
    esac
    [ "$type" = ext4 ] || load_modules "$type" || return 1
    chosen=$1
    [ "$subvolume" = - ] || chosen=$chosen,subvolid=$subvolume
    # Without a journal some options are refused.
    mount -t "$type" -o "$chosen,$options" "$device" "$root$path" 2> /dev/null ||
      { [ "$2" = no ] && mount -t "$type" -o "$chosen" "$device" "$root$path"; } || return 1
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
