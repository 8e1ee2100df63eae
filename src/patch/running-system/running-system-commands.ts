/** What a command of a package script needs that a system which does not run lacks. */
export interface CommandRule {
  /** Over the words of the command, one blank between them. */
  readonly pattern: RegExp;
  readonly needs: string;
}

const word = (names: string): RegExp => new RegExp(`^(?:/usr)?(?:/s?bin/)?(?:${names})(?: |$)`);

/**
 * Commands that ask a running system. Those that Debian guards are absent: `invoke-rc.d` and `deb-systemd-invoke`
 * ask policy-rc.d, and `deb-systemd-helper` and `systemctl enable` only make links.
 */
export const commandRules: readonly CommandRule[] = [
  {
    pattern:
      /^(?:\/usr)?(?:\/bin\/)?systemctl (?:-\S+ )*(?:start|stop|restart|reload|try-restart|try-reload-or-restart|reload-or-restart|isolate|kill|daemon-reload|daemon-reexec)(?: |$)/,
    needs: 'a running systemd',
  },
  {
    pattern: /^(?:(?:\/usr)?\/sbin\/)?service \S+ (?:start|stop|restart|reload|force-reload)/,
    needs: 'running services',
  },
  { pattern: /^\/etc\/init\.d\/\S+ (?:start|stop|restart|reload|force-reload)/, needs: 'running services' },
  { pattern: word('telinit|initctl|loginctl|hostnamectl|timedatectl|localectl'), needs: 'a running systemd' },
  { pattern: word('udevadm (?:trigger|control|settle)'), needs: 'a running udev' },
  { pattern: word('sysctl(?: \\S+)* (?:-w|-p|--system|--load)'), needs: "the machine's own kernel" },
  { pattern: word('modprobe|rmmod|insmod'), needs: "the machine's own kernel" },
  { pattern: word('apparmor_parser'), needs: "the machine's own kernel" },
  { pattern: word('mount|umount|swapon|swapoff|losetup'), needs: "the machine's own disks" },
  { pattern: word('efibootmgr'), needs: "the machine's firmware" },
  { pattern: word('dbus-send|busctl|gdbus'), needs: 'a running D-Bus' },
  { pattern: word('pg_upgradecluster|pg_ctlcluster|psql|vacuumdb|reindexdb'), needs: 'a running PostgreSQL' },
  {
    pattern: word('mysql|mysqladmin|mysql_upgrade|mariadb|mariadb-admin|mariadb-upgrade'),
    needs: 'a running MariaDB or MySQL',
  },
  { pattern: word('rabbitmqctl'), needs: 'a running RabbitMQ' },
  { pattern: word('ldapadd|ldapmodify|ldapsearch'), needs: 'a running directory service' },
  { pattern: word('docker|virsh|nmcli|rndc'), needs: 'a running service of its own' },
  { pattern: word('kexec'), needs: "the machine's own kernel" },
];
