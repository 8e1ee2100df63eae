#!/bin/busybox sh
# First process of a guest that has sealed the key of its disk: to PCRs of its vTPM, and to what one of its counters counts.
# It tells on the serial console what it found, and switches itself off.
/bin/busybox mkdir -p /proc /sys /dev /tmp /bin
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t securityfs securityfs /sys/kernel/security
exec >/dev/ttyS0 2>&1
for module in $(cat /modules/order); do insmod "/modules/$module.ko"; done
patience=600
until [ -b /dev/vda2 ] && [ -c /dev/tpm0 ] || [ "$patience" = 0 ]; do
  patience=$((patience - 1))
  usleep 100000
done

export TPM2TOOLS_TCTI=device:/dev/tpm0
index=0x1500016
pcrs=$(cat /pcrs)
cd /tmp || exit

say() { echo "guest: $*"; }
# The digest of the policy, which is printed, is no secret and of no use here.
policy() {
  tpm2 policypcr -S "$1" -l "$pcrs" >/dev/null &&
    tpm2 policynv -S "$1" -C o -i operand "$index" eq $2 $3 >/dev/null
}

seal() {
  tpm2 nvdefine -Q -C o -s 8 -a 'ownerread|ownerwrite|nt=counter' "$index" &&
    tpm2 nvincrement -Q -C o "$index" &&
    tpm2 nvincrement -Q -C o "$index" &&
    tpm2 nvread -C o -o operand "$index" &&
    printf 'the key of the disk' >secret &&
    tpm2 startauthsession -S trial.ctx &&
    policy trial.ctx -L policy &&
    tpm2 flushcontext trial.ctx &&
    tpm2 createprimary -Q -C o -c primary.ctx &&
    tpm2 create -Q -C primary.ctx -u pub -r priv -i secret -L policy &&
    rm secret &&
    tar -cf sealed pub priv operand &&
    dd if=sealed of=/dev/vda2 conv=fsync 2>/dev/null &&
    sync
}

# Says the secret, or at which step the vTPM refuses.
unseal() {
  tpm2 createprimary -Q -C o -c primary.ctx || { echo "refused at createprimary"; return; }
  tpm2 load -Q -C primary.ctx -u pub -r priv -c sealed.ctx || { echo "refused at load"; return; }
  tpm2 flushcontext -t
  tpm2 startauthsession --policy-session -S session.ctx
  policy session.ctx || { echo "refused at policy"; return; }
  tpm2 unseal -c sealed.ctx -p session:session.ctx >secret || { echo "refused at unseal"; return; }
  echo "unsealed $(cat secret)"
}

say "lockdown $(cat /sys/kernel/security/lockdown)"
say "command line $(cat /proc/cmdline)"
tpm2 pcrread "$pcrs" | grep 0x | while read -r line; do say "pcr $line"; done
tar -xf /dev/vda2 2>/dev/null
if [ -s pub ]; then
  outcome=$(unseal 2>errors)
  cat errors
  # Whoever is refused takes the recovery key, and spends the counter.
  case $outcome in refused*) tpm2 nvincrement -Q -C o "$index" ;; esac
elif seal; then
  outcome=sealed
else
  outcome=failed
fi
say "counter $(tpm2 nvread -C o "$index" | od -An -tx1 | tr -d ' \n')"
say "outcome $outcome"
sync
poweroff -f
