#!/bin/busybox sh
# The first process of the appliance: sets it up, then does what the host says over the port "coldpatch".
#
# From the host:  run NAME       runs /job/NAME of the job disk
# To the host:    ready VERSION  once
#                 out LINE       what the job prints
#                 result WORDS   what the job says on descriptor 3
#                 end CODE       the job has ended
# The host checks all of it: a package script that is root in here can write to the port too.
#
# Starting a program takes an emulated processor 10 ms, so that what the shell can do itself it does until "ready".
export PATH=/bin:/sbin HOME=/ LC_ALL=C
# The shell starts its own commands out of /proc.
/bin/busybox mount -t proc proc /proc
mount -t devtmpfs devtmpfs /dev
mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs /run
while read -r module; do insmod "/modules/$module.ko"; done < /modules/start.order

# The first line of a file; empty when it cannot be read.
line_of() {
  line=
  { read -r line < "$1"; } 2> /dev/null
}

port=
tries=0
while [ -z "$port" ]; do
  for name in /sys/class/virtio-ports/*/name; do
    line_of "$name"
    if [ "$line" = coldpatch ]; then
      port=${name%/name}
      port=/dev/${port##*/}
    fi
  done
  tries=$((tries + 1))
  if [ "$tries" -gt 3000 ]; then echo 'coldpatch: no port to the host'; poweroff -f; fi
  [ -n "$port" ] || usleep 10000
done
exec 5<> "$port"
line_of /version
echo "ready $line" >&5
# Emulated, the kernel starts with one processor: see kernel-arguments.ts.
for processor in /sys/devices/system/cpu/cpu[1-9]*/online; do
  line_of "$processor"
  if [ "$line" = 0 ]; then echo 1 > "$processor"; fi
done

disk_with_serial() {
  for serial in /sys/block/vd*/serial; do
    line_of "$serial"
    if [ "$line" = "$1" ]; then
      disk=${serial%/serial}
      disk=/dev/${disk##*/}
      return 0
    fi
  done
  return 1
}

has_job=
run() {
  if [ -z "$has_job" ]; then
    disk_with_serial job && mount -t ext4 -o ro,nodev,nosuid "$disk" /job || return 125
    has_job=yes
  fi
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
  [ "$verb" = run ] || continue
  code=0
  run "$name" || code=$?
  echo "end $code" >&5
done
sync
poweroff -f
