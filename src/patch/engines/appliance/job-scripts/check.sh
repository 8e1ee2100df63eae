# In an appliance in which no code of the guest ran: what programs of ours say of the copy, all on descriptor 3.
set -u
. /job/guest.sh
unpack_tools || exit 70
activate_volumes yes || exit 71

index=0
while read -r place start type _; do
  device=$(device_of "$place" "$start") || exit 71
  case $type in
    ext4) e2fsck -f -n "$device" ;;
    xfs) /sbin/xfs_repair -n "$device" ;;
    btrfs) /bin/btrfs check --readonly "$device" ;;
    vfat) /sbin/fsck.fat -n "$device" ;;
    *) exit 71 ;;
  esac > /run/said 2>&1
  code=$?
  tail -n 8 /run/said | sed "s/^/fsck-text $index /" >&3
  echo "fsck $index $code" >&3
  index=$((index + 1))
done < /job/mounts

mount_guest ro,noatime,nodev,nosuid,noexec yes || exit 72
# By its whole name: the shell would take busybox's own.
/bin/dpkg "--admindir=$root/var/lib/dpkg" --audit > /run/said 2>&1
code=$?
head -n 40 /run/said | sed 's/^/audit-text /' >&3
echo "audit $code" >&3
unmount_guest
