#!/bin/busybox sh
# The first process of the appliance: sets it up, then does what the host says over the port "coldpatch".
#
# From the host:  run NAME       runs /job/NAME of the job disk
#                 quit
# To the host:    ready VERSION  once
#                 out LINE       what the job prints
#                 result WORDS   what the job says on descriptor 3
#                 end CODE       the job has ended
# The host checks all of it: a package script that is root in here can write to the port too.
export PATH=/bin:/sbin HOME=/ LC_ALL=C
/bin/busybox mkdir -p /bin /sbin /dev /proc /sys /tmp /run /job /guest
/bin/busybox --install -s /bin
mount -t devtmpfs devtmpfs /dev
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs /run
while read -r module; do insmod "/modules/$module.ko"; done < /modules/start.order

port=
tries=0
while [ -z "$port" ]; do
  for name in /sys/class/virtio-ports/*/name; do
    if [ "$(cat "$name" 2>/dev/null)" = coldpatch ]; then port=/dev/$(basename "$(dirname "$name")"); fi
  done
  tries=$((tries + 1))
  if [ "$tries" -gt 600 ]; then echo 'coldpatch: no port to the host'; poweroff -f; fi
  [ -n "$port" ] || sleep 0.05
done
exec 5<> "$port"
echo "ready $(cat /version)" >&5

disk_with_serial() {
  for disk in /sys/block/vd*; do
    if [ "$(cat "$disk/serial")" = "$1" ]; then basename "$disk"; fi
  done
}

run() {
  mountpoint -q /job || mount -t ext4 -o ro,nodev,nosuid "/dev/$(disk_with_serial job)" /job || return 125
  rm -f /run/out /run/results
  mkfifo /run/out /run/results
  awk '{ print "out " substr($0, 1, 2000); fflush() }' < /run/out >&5 &
  awk '{ print "result " substr($0, 1, 2000); fflush() }' < /run/results >&5 &
  code=0
  sh "/job/$1" > /run/out 2>&1 3> /run/results < /dev/null 5>&- || code=$?
  wait
  return "$code"
}

while read -r verb name <&5; do
  case $verb in
    run)
      code=0
      run "$name" || code=$?
      echo "end $code" >&5
      ;;
    quit) break ;;
  esac
done
sync
poweroff -f
