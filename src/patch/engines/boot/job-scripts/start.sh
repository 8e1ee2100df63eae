# In the started copy: upgrades it, says over a virtio port how that went, and switches it off.
#
# To the host:  ready 1              once
#               result system STATE  of systemctl is-system-running, when it is up
#               out LINE             what the package manager prints
#               result WORDS         as in the appliance, and `failed-unit UNIT` for each that failed meanwhile
#               end CODE             0, 73 for the package manager, 74 for the boot menu
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
base=/run/coldpatch

port=
tries=0
while [ -z "$port" ]; do
  for name in /sys/class/virtio-ports/*/name; do
    if [ "$(cat "$name")" = org.coldpatch.boot-test ]; then port=/dev/$(basename "$(dirname "$name")"); fi
  done
  [ -c "$port" ] || port=
  tries=$((tries + 1))
  if [ "$tries" -gt 3600 ]; then exit 1; fi
  [ -n "$port" ] || sleep 1
done
exec 5> "$port"
echo 'ready 1' >&5

while :; do
  state=$(systemctl is-system-running)
  case $state in
    '' | initializing | starting) sleep 1 ;;
    *) break ;;
  esac
done
echo "result system $state" >&5

failed_units() {
  systemctl list-units --state=failed --all --plain --no-legend | while read -r unit _; do echo "$unit"; done
}
failed_units > "$base/failed-before"

mkdir -p "$base/repository" "$base/state/archives"
cp -r "$base/job/scripts" "$base/scripts"
# The machine is one: scripts may ask which.
rm -f "$base/scripts/stand-ins/systemd-detect-virt"
: > "$base/scripts/services-run"
# udev made the names of the disks.
: > "$base/scripts/disk-links"
mount --bind "$base/job/repository" "$base/repository"
# What apt finds in its cache it does not digest again; the host did.
for file in "$base"/repository/*.deb; do
  ln -s "$file" "$base/state/archives/${file##*/}"
done

mkfifo "$base/said"
while IFS= read -r line; do printf 'out %.2000s\n' "$line" >&5; done < "$base/said" &
exec 6> "$base/said"
code=0
sh "$base/scripts/upgrade.sh" >&6 2>&1 < /dev/null 5>&- 6>&- || code=73
if [ "$code" = 0 ] && [ -s "$base/state/boot-menu-requests" ]; then
  unshare --mount sh -c 'mount --bind "$0/stand-ins/grub-probe" /usr/sbin/grub-probe && exec sh "$0/write-boot-menu.sh"' \
    "$base/scripts" >&6 2>&1 < /dev/null 5>&- 6>&- && echo 'result menu written' >&5 || code=74
fi
exec 6>&-
wait
for name in initramfs-built postponed; do
  if [ -e "$base/state/$name" ]; then sed "s/^/result $name /" "$base/state/$name" >&5; fi
done
while read -r _ _ _ _ path; do stat -f -c 'result free %a %S' "$path"; done < "$base/job/mounts" >&5
failed_units | grep -vxFf "$base/failed-before" | sed 's/^/result failed-unit /' >&5
sync
echo "end $code" >&5
systemctl poweroff
