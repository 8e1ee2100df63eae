/** Machines read from a real libvirtd, which has sockets of its own and whose domain is gone afterwards. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type StartedProgram, startProgram } from '../src/lib/start-program.ts';
import type { Machine } from '../src/machines/definitions/machine.ts';
import { type CommandResult, runColdpatch } from './support/command-line-fixture.ts';
import { withTpm } from './support/tpm-session.ts';

const domain = `coldpatch-test-${process.pid}`;

let folder: string;
let daemon: StartedProgram;
let uri: string;

beforeAll(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'libvirt-')));
  const configuration = join(folder, 'libvirtd.conf');
  writeFileSync(
    configuration,
    `unix_sock_dir = "${folder}"\nauth_unix_rw = "none"\nauth_unix_ro = "none"\nmdns_adv = 0\n`,
  );
  daemon = await startProgram({
    file: 'libvirtd',
    args: ['--config', configuration, '--pid-file', join(folder, 'libvirtd.pid')],
    ready: { poll: () => Promise.resolve(existsSync(join(folder, 'libvirt-sock'))) },
    startTimeoutSeconds: 120,
  });
  uri = `qemu+unix:///system?socket=${join(folder, 'libvirt-sock')}`;
});

afterAll(async () => {
  try {
    virsh('undefine', '--nvram', `--domain=${domain}`);
  } finally {
    await daemon.stop();
    rmSync(folder, { recursive: true });
  }
});

function virsh(...args: readonly string[]): string {
  return execFileSync('virsh', [`--connect=${uri}`, ...args], { encoding: 'utf8', timeout: 120_000 });
}

function coldpatch(...args: readonly string[]): Promise<CommandResult> {
  return runColdpatch({ args, environment: { COLDPATCH_STATE_DIRECTORY: join(folder, 'state') } });
}

test('a domain becomes a machine, and its generation comes back', async () => {
  const disk = join(folder, 'disk.qcow2');
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', disk, '10M']);
  const variables = join(folder, 'vars.fd');
  writeFileSync(variables, Buffer.alloc(528 * 1024));
  const tpm = join(folder, 'tpm');
  mkdirSync(tpm);
  await withTpm(`dir=${tpm}`, folder, () => undefined);
  const xml = join(folder, 'domain.xml');
  writeFileSync(
    xml,
    `<domain type='qemu'><name>${domain}</name><memory unit='MiB'>64</memory><features><acpi/></features>
    <os><type arch='x86_64' machine='q35'>hvm</type>
    <loader readonly='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE_4M.fd</loader><nvram>${variables}</nvram></os>
    <devices>
    <disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='${disk}'/><target dev='vda' bus='virtio'/></disk>
    <disk type='file' device='cdrom'><target dev='sda' bus='sata'/><readonly/></disk>
    <tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>
    </devices></domain>`,
  );
  virsh('define', xml);

  const add = ['machine', 'add', 'web', `--libvirt=${domain}`, `--connect=${uri}`, '--json'];
  const result = await coldpatch(...add, '--tpm', tpm);
  expect(result.stderr).toBe('');
  expect(JSON.parse(result.stdout) as Machine).toMatchObject({
    domain,
    disks: [{ path: disk, format: 'qcow2' }],
    uefiVariables: { path: variables },
    vtpm: { backend: 'directory', path: tpm },
    boot: {
      machineType: 'q35',
      firmwareCode: '/usr/share/OVMF/OVMF_CODE_4M.fd',
      diskBus: 'virtio',
      vtpmModel: 'tpm-crb',
    },
  });
  expect(await coldpatch('generations', 'take', 'web')).toMatchObject({ exitCode: 0 });
  execFileSync('qemu-io', ['-f', 'qcow2', '-c', 'write 0 64k', disk]);
  expect(await coldpatch('generations', 'rollback', 'web')).toMatchObject({ exitCode: 0 });
  expect(execFileSync('qemu-io', ['-r', '-f', 'qcow2', '-c', 'read -P 0 0 64k', disk]).toString()).toContain(
    'read',
  );

  const unknown = await coldpatch('machine', 'add', 'other', '--libvirt=-x', `--connect=${uri}`);
  expect(unknown).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('machine_unknown') as string,
  });
});
