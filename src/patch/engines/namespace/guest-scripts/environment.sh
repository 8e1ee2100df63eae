# What every script of ours in the guest starts from. To be sourced.
unset container container_uuid NOTIFY_SOCKET INVOCATION_ID LANGUAGE LANG
export PATH=/run/coldpatch/scripts/stand-ins:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/root LC_ALL=C TERM=dumb
export DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true
export APT_LISTCHANGES_FRONTEND=none APT_LISTBUGS_FRONTEND=none NEEDRESTART_SUSPEND=1 UCF_FORCE_CONFFOLD=1
cd /
umask 022

# Tools look filesystems up by their UUID: update-grub for root=UUID=..., mkinitramfs for the right fsck.
while read -r device link; do
  mkdir -p "${link%/*}"
  ln -sf "$device" "$link"
done < /run/coldpatch/scripts/disk-links
