# In a throw-away clone that was started: says over a virtio port how that went.
#
# To the host:  ready 1
#               result system STATE         of systemctl is-system-running
#               result failed UNIT          for each
#               result probe NUMBER CODE    for each
#               result probe-text NUMBER TEXT
#               out BASE64                  the journal
#               end 0
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
modprobe virtio_console

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
if [ "$state" != maintenance ]; then
  for probe in /etc/coldpatch-boot-test/probe-*; do
    [ -f "$probe" ] || continue
    code=0
    said=$(timeout 120 sh "$probe" 2>&1 < /dev/null) || code=$?
    number=${probe##*-}
    echo "result probe $number $code" >&5
    printf '%s\n' "$said" | tail -n 1 | cut -c 1-500 | sed "s/^/result probe-text $number /" >&5
  done
fi
# After the probes: one of them may have brought a unit down.
state=$(systemctl is-system-running)
echo "result system $state" >&5
systemctl list-units --state=failed --all --plain --no-legend | while read -r unit _; do echo "result failed $unit" >&5; done
journalctl --boot --output=export --no-pager | head -c 67108864 | gzip -c | head -c 8388608 | base64 -w 3000 | sed 's/^/out /' >&5
echo 'end 0' >&5
