# In the appliance: the guest's package manager upgrades the copy. Ends with 0, or with 70 to 74 for the step that failed.
set -u
. /job/guest.sh
base=$root/run/coldpatch

swap=/dev/$(disk_with_serial scratch)
mkswap "$swap" > /dev/null && swapon "$swap" || exit 70

mount_guest rw,noatime,nodev,nosuid no || exit 71

# What systemd-nspawn gives to the engine namespace.
mount -t tmpfs -o mode=755 tmpfs "$root/run" || exit 72
mkdir -p "$root/run/lock" "$base/repository" "$base/state/archives"
# What apt finds in its cache it does not digest again; the host did.
for file in /job/repository/*.deb; do
  ln -s "/run/coldpatch/repository/${file##*/}" "$base/state/archives/${file##*/}"
done
cp -r /job/scripts "$base/scripts" || exit 72
mount --bind /job/repository "$base/repository" || exit 72
mount -t tmpfs -o mode=1777,size=3g tmpfs "$root/tmp" || exit 72
mount -t sysfs -o ro sysfs "$root/sys" || exit 72
mount -t tmpfs -o mode=755 tmpfs "$root/dev" || exit 72
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,mode=620,ptmxmode=666 devpts "$root/dev/pts" || exit 72
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm" || exit 72
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
for number in 0 1 2; do ln -s "/proc/self/fd/$number" "$root/dev/$(echo stdin stdout stderr | cut -d ' ' -f $((number + 1)))"; done
for node in null:1:3 zero:1:5 full:1:7 random:1:8 urandom:1:9 tty:5:0; do
  IFS=: read -r name major minor << END
$node
END
  mknod -m 666 "$root/dev/$name" c "$major" "$minor"
done
: > "$base/scripts/disk-links"
while read -r place start _; do
  device=$(device_of "$place" "$start")
  if [ ! -e "$root$device" ]; then
    mkdir -p "$root${device%/*}"
    cp -a "$device" "$root$device" && chmod 660 "$root$device" || exit 72
  fi
  while read -r of link; do
    if [ "$of" = "$place" ]; then echo "$device $link"; fi
  done < /job/links >> "$base/scripts/disk-links"
done < /job/mounts
if [ -e /job/has-policy-rc-d ]; then
  mount --bind "$base/scripts/stand-ins/policy-rc.d" "$root/usr/sbin/policy-rc.d" || exit 72
fi

# Its processes end with the first of them.
guest() {
  unshare -p -f -u -i sh -c "mount -t proc proc $root/proc && exec chroot $root /bin/sh $1"
  code=$?
  umount "$root/proc"
  return "$code"
}

failed=0
guest /run/coldpatch/scripts/upgrade.sh || failed=73
if [ "$failed" = 0 ] && [ -s "$base/state/boot-menu-requests" ]; then
  mount --bind "$base/scripts/stand-ins/grub-probe" "$root/usr/sbin/grub-probe" &&
    guest /run/coldpatch/scripts/write-boot-menu.sh && echo 'menu written' >&3 || failed=74
fi
for name in initramfs-built postponed; do
  if [ -e "$base/state/$name" ]; then sed "s/^/$name /" "$base/state/$name" >&3; fi
done
tail -n +2 /job/mounts | while read -r _ _ _ _ path; do stat -f -c 'free %a %S' "$root$path"; done >&3
stat -f -c 'free %a %S' "$root" >&3
sync
unmount_guest || exit 75
exit "$failed"
