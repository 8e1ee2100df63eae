# In the appliance: puts the generator into the copy. Ends with 0, with 71 or 72 when the copy cannot be changed,
# with 73 when its first process is not systemd, with 74 when it never was a machine of its own, and with 75 when
# something of that name is there.
set -u
. /job/guest.sh
mount_guest rw,noatime,nodev,nosuid no || exit 71

case $(readlink "$root/sbin/init") in
  */systemd) ;;
  *) exit 73 ;;
esac
grep -Eqx '[0-9a-f]{32}' "$root/etc/machine-id" || exit 74
directory=$root/etc/systemd/system-generators
if [ -e "$directory/coldpatch-upgrade" ] || [ -L "$directory/coldpatch-upgrade" ]; then exit 75; fi
if [ ! -d "$directory" ]; then
  mkdir "$directory" || exit 72
  echo 'made-directory' >&3
fi
cp /job/coldpatch-upgrade "$directory/coldpatch-upgrade" && chmod 755 "$directory/coldpatch-upgrade" || exit 72
sync
unmount_guest || exit 72
