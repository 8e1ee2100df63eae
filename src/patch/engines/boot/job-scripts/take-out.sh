# In the appliance, after the copy has run: takes the generator out of it. Ends with 0, or with 71 or 72.
set -u
. /job/guest.sh
mount_guest rw,noatime,nodev,nosuid no || exit 71
directory=$root/etc/systemd/system-generators
rm -f "$directory/coldpatch-upgrade" || exit 72
# What packages have put there meanwhile stays.
if [ "${made_directory:-no}" = yes ]; then rmdir "$directory" 2> /dev/null; fi
sync
unmount_guest || exit 72
