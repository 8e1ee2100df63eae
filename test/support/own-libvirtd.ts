import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startProgram } from '../../src/lib/start-program.ts';

/** A libvirtd with folders and sockets of its own, so that it can run beside others. */
export interface OwnLibvirtd {
  readonly uri: string;
  virsh(...args: readonly string[]): string;
  /** Defines a domain that has a file as its only disk. */
  defineDomain(name: string, disk: string, format?: string): void;
  stop(): Promise<void>;
}

/** What libvirtd keeps for the whole host; here each is a folder of the test, in a mount namespace of the daemon. */
const kept = ['/etc/libvirt', '/run/libvirt', '/var/lib/libvirt', '/var/cache/libvirt', '/var/log/libvirt'];

/** Starts a libvirtd. The domains that a test starts are its own to stop. */
export async function startOwnLibvirtd(folder: string): Promise<OwnLibvirtd> {
  const places = kept.map((path, index) => ({ path, own: join(folder, `kept-${index}`) }));
  for (const { own, path } of places) {
    mkdirSync(own);
    mkdirSync(path, { recursive: true });
  }
  writeFileSync(
    join(folder, 'kept-0', 'qemu.conf'),
    'user = "root"\ngroup = "root"\nsecurity_driver = "none"\nstdio_handler = "file"\nnamespaces = []\ncgroup_controllers = []\n',
  );
  const configuration = join(folder, 'libvirtd.conf');
  writeFileSync(
    configuration,
    `unix_sock_dir = "${folder}"\nauth_unix_rw = "none"\nauth_unix_ro = "none"\nmdns_adv = 0\n`,
  );
  const script = places.map(({ own, path }) => `mount --bind "${own}" "${path}"`).join(' && ');
  const socket = join(folder, 'libvirt-sock');
  const daemon = await startProgram({
    file: 'unshare',
    args: [
      '--mount',
      // What others unmount is unmounted here too: a mount that lived on would keep their devices busy.
      '--propagation',
      'slave',
      'sh',
      '-c',
      `${script} && exec libvirtd --config "${configuration}" --pid-file "${join(folder, 'libvirtd.pid')}"`,
    ],
    ready: { poll: () => Promise.resolve(existsSync(socket)) },
    startTimeoutSeconds: 120,
  });
  const uri = `qemu+unix:///system?socket=${socket}`;
  const virsh = (...args: readonly string[]): string =>
    execFileSync('virsh', [`--connect=${uri}`, ...args], { encoding: 'utf8', timeout: 120_000 });
  return {
    uri,
    virsh,
    defineDomain(name, disk, format = 'qcow2') {
      const xml = join(folder, `domain-${name}.xml`);
      writeFileSync(
        xml,
        `<domain type='qemu'><name>${name}</name><memory unit='MiB'>64</memory>
        <os><type arch='x86_64' machine='q35'>hvm</type></os><devices>
        <disk type='file' device='disk'><driver name='qemu' type='${format}'/><source file='${disk}'/><target dev='vda' bus='virtio'/></disk>
        </devices></domain>`,
      );
      virsh('define', xml);
    },
    async stop() {
      await daemon.stop();
    },
  };
}
