# In the appliance: where the copy's filesystems are, and how they are mounted. To be sourced.
# /job/mounts has one filesystem a line: the number of its partition (0 for the whole disk), its first sector, its type,
# its subvolume or -, its path. Of a logical volume: GROUP/VOLUME, and its name in /dev/mapper, in place of the first two.
export PATH=/bin:/sbin
root=/guest

disk_with_serial() {
  for disk in /sys/block/vd*; do
    if [ "$(cat "$disk/serial")" = "$1" ]; then basename "$disk"; fi
  done
}

device_of() {
  disk=$(disk_with_serial copy)
  case $1 in
    */*) echo "/dev/mapper/$2" ;;
    0) echo "/dev/$disk" ;;
    *)
      if [ "$(cat "/sys/class/block/$disk$1/start")" = "$2" ]; then
        echo "/dev/$disk$1"
      else
        echo "partition $1 does not start at sector $2" >&2
        return 1
      fi
      ;;
  esac
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

logical_volumes() {
  while read -r place _; do
    case $place in */*) echo "$place" ;; esac
  done < /job/mounts
}

# LVM, which sees the copy alone, asks no daemon, and keeps nothing. A list of volumes is activated read only.
lvm_of_copy() {
  disk=$(disk_with_serial copy)
  only="\"a|^/dev/$disk[0-9]*\$|\",\"r|.*|\""
  command=$1
  shift
  /sbin/lvm "$command" --config "
    devices{filter=[$only] global_filter=[$only] use_devicesfile=0 obtain_device_list_from_udev=0
      external_device_info_source=\"none\" multipath_component_detection=0}
    activation{udev_sync=0 udev_rules=0 monitoring=0 read_only_volume_list=[$read_only]}
    backup{backup=0 archive=0} global{use_lvmpolld=0 locking_dir=\"/run/lvm\"}" "$@"
}

# activate_volumes READ-ONLY: with "yes", what lies on them cannot be written.
activate_volumes() {
  volumes=$(logical_volumes)
  [ -n "$volumes" ] || return 0
  load_modules lvm2 || return 1
  read_only=
  if [ "$1" = yes ]; then read_only=$(echo "$volumes" | sed 's/.*/"&"/' | tr '\n' ',' | sed 's/,$//'); fi
  # shellcheck disable=SC2086
  LVM_SUPPRESS_FD_WARNINGS=1 lvm_of_copy lvchange --activate y $volumes
}

# mount_guest OPTIONS WITHOUT-JOURNAL: with "yes", what a journal holds is not written to the disk.
mount_guest() {
  activate_volumes "$2" || return 1
  while read -r place start type subvolume path; do
    device=$(device_of "$place" "$start") || return 1
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
  done || return 1
  [ -z "$(logical_volumes)" ] || LVM_SUPPRESS_FD_WARNINGS=1 lvm_of_copy vgchange --activate n
}
