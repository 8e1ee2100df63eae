/**
 * A real libvirtd that asks our hook before it starts a domain. It runs in a mount namespace in which its configuration, its
 * hooks and its state are folders of the test, so that nothing of this host's libvirt is touched.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type StartedProgram, startProgram } from '../src/lib/start-program.ts';
import { type CommandResult, runColdpatch } from './support/command-line-fixture.ts';

const places = ['/etc/libvirt', '/run/libvirt', '/var/lib/libvirt', '/var/cache/libvirt', '/var/log/libvirt'];

let folder: string;
let disk: string;
let daemon: StartedProgram;
let installed: CommandResult;
let hook: string;

beforeAll(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'hook-')));
  disk = join(folder, 'disk.raw');
  writeFileSync(disk, Buffer.alloc(1024 * 1024, 'first'));
  const own = places.map((place) => join(folder, place.replaceAll('/', '_')));
  for (const path of own) mkdirSync(path);
  const hooks = join(own[0] ?? '', 'hooks');
  mkdirSync(hooks);
  installed = await coldpatch(['machine', 'install-hook', '--directory', hooks]);
  hook = join(hooks, 'qemu.d/coldpatch');
  // The host has neither cgroups nor a security driver for guests of a test.
  writeFileSync(
    join(own[0] ?? '', 'qemu.conf'),
    'user = "root"\ngroup = "root"\nsecurity_driver = "none"\ncgroup_controllers = []\nnamespaces = []\nstdio_handler = "file"\n',
  );
  const configuration = join(folder, 'libvirtd.conf');
  writeFileSync(
    configuration,
    `unix_sock_dir = "${folder}"\nauth_unix_rw = "none"\nauth_unix_ro = "none"\nmdns_adv = 0\n`,
  );
  const mounts = places.flatMap((place, index) => [own[index] ?? '', place]);
  const bind = 'while [ "$1" != -- ]; do mount --bind "$1" "$2" || exit; shift 2; done; shift; exec "$@"';
  daemon = await startProgram({
    file: 'unshare',
    args: [
      ['--mount', '--propagation=private', '--', 'sh', '-c', bind, 'sh', ...mounts, '--'],
      ['libvirtd', '--config', configuration, '--pid-file', join(folder, 'libvirtd.pid')],
    ].flat(),
    ready: { poll: () => Promise.resolve(existsSync(join(folder, 'libvirt-sock'))) },
    startTimeoutSeconds: 300,
  });
});

afterAll(async () => {
  await daemon.stop();
  rmSync(folder, { recursive: true });
});

function coldpatch(args: readonly string[], crashAt?: string): Promise<CommandResult> {
  return runColdpatch({
    args,
    environment: {
      COLDPATCH_STATE_DIRECTORY: join(folder, 'state'),
      ...(crashAt !== undefined && { COLDPATCH_TEST: '1', COLDPATCH_CRASH_AT: crashAt }),
    },
  });
}

function virsh(...args: readonly string[]): string {
  const uri = `qemu+unix:///system?socket=${join(folder, 'libvirt-sock')}`;
  return execFileSync('virsh', [`--connect=${uri}`, ...args], {
    encoding: 'utf8',
    timeout: 300_000,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

test('a domain does not start in the middle of a rollback, and does before and after', async () => {
  expect(installed).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(hook) as string });
  expect(statSync(hook).mode & 0o777).toBe(0o755);
  const xml = join(folder, 'domain.xml');
  writeFileSync(
    xml,
    `<domain type='qemu'><name>web</name><memory unit='MiB'>32</memory>
    <os><type arch='x86_64' machine='q35'>hvm</type></os><seclabel type='none'/>
    <devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='${disk}'/><target dev='vda' bus='virtio'/></disk>
    </devices></domain>`,
  );
  const startAndStop = (): void => {
    virsh('create', xml);
    virsh('destroy', 'web');
  };
  startAndStop();
  expect(await coldpatch(['machine', 'add', 'web', '--disk', disk, '--image-format', 'raw'])).toMatchObject({
    exitCode: 0,
  });
  expect(await coldpatch(['generations', 'take', 'web'])).toMatchObject({ exitCode: 0, stderr: '' });
  startAndStop();

  writeFileSync(disk, Buffer.alloc(1024 * 1024, 'second'));
  for (const step of ['back_committed', 'back_replaced']) {
    const rollback = ['generations', 'rollback', 'web', '--generation', '1'];
    expect((await coldpatch(rollback, step)).signal).toBe('SIGKILL');
    expect(startAndStop).toThrow(/error machine_rolling_back: .* rolled back to generation 1/);
    expect(await coldpatch(['doctor', '--clean'])).toMatchObject({ stderr: '' });
    startAndStop();
  }
});

test('what is no hook of ours is not written over', async () => {
  const hooks = join(folder, 'others');
  mkdirSync(join(hooks, 'qemu.d'), { recursive: true });
  writeFileSync(join(hooks, 'qemu.d/coldpatch'), '#!/bin/sh\n');
  const install = ['machine', 'install-hook', '--directory', hooks];
  expect(await coldpatch(install)).toMatchObject({
    exitCode: 3,
    stderr: expect.stringContaining('state_conflict') as string,
  });
  rmSync(join(hooks, 'qemu.d/coldpatch'));
  for (let count = 0; count < 2; count += 1) expect(await coldpatch(install)).toMatchObject({ exitCode: 0 });
});
