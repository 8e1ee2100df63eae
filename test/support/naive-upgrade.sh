#!/bin/bash
# Changes a qcow2 image in the usual way: mount, chroot, apt-get.
# Run as `naive-upgrade.sh IMAGE DIRECTORY COMMAND` in mount and pid namespaces of its own, which take all of it away.
# The only help: grub-probe cannot work in a chroot on a loop device, so it is covered by one that knows the answers.
# The command sees DIRECTORY/shared as /mnt. The packages that the image has then are in DIRECTORY/packages.
set -euo pipefail

image=$1 directory=$2 command=$3
disk=$directory/disk root=$directory/root
touch "$disk"
mkdir -p "$root" "$directory/shared"

blockdev="{\"driver\": \"qcow2\", \"node-name\": \"disk\", \"file\": {\"driver\": \"file\", \"filename\": \"$image\"}}"
export="type=fuse,id=export,node-name=disk,mountpoint=$disk,writable=on"
qemu-storage-daemon --blockdev "$blockdev" --export "$export" &
daemon=$!
while [ "$(stat -c %s "$disk")" -eq 0 ]; do
  kill -0 "$daemon"
  sleep 0.02
done
mount -t ext4 -o loop,offset=1048576 "$disk" "$root"

uuid=$(blkid -p -O 1048576 -s UUID -o value "$disk")
cat > "$directory/grub-probe" <<END
#!/bin/sh
target=
for word in "\$@"; do
  case \$word in --target=*) target=\${word#--target=} ;; esac
done
while [ \$# -gt 0 ]; do
  [ "\$1" != -t ] || target=\$2
  shift
done
case \$target in
  device) echo /dev/vda1 ;;
  fs_uuid) echo $uuid ;;
  fs) echo ext2 ;;
  partmap) echo msdos ;;
  drive) echo '(hostdisk//dev/vda,msdos1)' ;;
esac
END
chmod +x "$directory/grub-probe"
[ ! -e "$root/usr/sbin/grub-probe" ] || mount --bind "$directory/grub-probe" "$root/usr/sbin/grub-probe"
mount --bind /dev "$root/dev"
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount --bind "$directory/shared" "$root/mnt"
touch "$root/etc/resolv.conf"
mount --bind /etc/resolv.conf "$root/etc/resolv.conf"
printf '#!/bin/sh\nexit 101\n' > "$root/usr/sbin/policy-rc.d"
chmod +x "$root/usr/sbin/policy-rc.d"

DEBIAN_FRONTEND=noninteractive chroot "$root" sh -ec "$command"

rm "$root/usr/sbin/policy-rc.d"
dpkg-query --admindir="$root/var/lib/dpkg" --show \
  --showformat='${db:Status-Status} ${Package} ${Architecture} ${Version}\n' > "$directory/packages"
umount --recursive "$root"
kill "$daemon"
wait "$daemon" || true
