import { constants } from 'node:fs';
import { cp, mkdir, open, statfs, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasErrorCode } from '../../../lib/has-error-code.ts';
import { checkFromOutside } from '../../verification/check-from-outside.ts';
import type { Engine, EngineInput, EngineResult } from '../types.ts';
import { guestAptConfiguration, guestPreferences, guestSourcesList } from './apt-configuration.ts';
import { attachCopy } from '../../copy-access/attach-copy.ts';
import { describeDiskToGuest } from './describe-disk-to-guest.ts';
import { HostNamespace } from '../../copy-access/host-namespace.ts';
import { makeLocalRepository } from './make-local-repository.ts';
import { type MountedCopy, mountCopy } from '../../copy-access/mount-copy.ts';
import { writeBackDuring } from '../../copy-access/write-back-during.ts';
import { explainUpgradeFailure } from '../explain-upgrade-failure.ts';
import { type GuestCommand, runInGuest } from './run-in-guest.ts';
import { asHostFull } from '../as-host-full.ts';
import { createUpgradeLog, type UpgradeLog } from '../upgrade-log.ts';

/** Runs the guest's package manager on the host's kernel, in namespaces. See readme.md. */
export const namespaceEngine: Engine = {
  id: 'namespace',
  revision: 2,
  // Making an initramfs is what takes most.
  memoryBytes: 1024 ** 3,
  trustReason:
    "the host's kernel mounts the image's filesystem and runs its package scripts as root; namespaces keep accidents in, not attackers",
  isolation:
    'namespaces of the host kernel, no network: a guard against accidents, not against a hostile image',
  rootReason: 'it mounts the copy and runs package scripts that set owners, modes and capabilities',
  canMount: ({ filesystem, volume }) => filesystem.id === 'ext4' && volume.managed === undefined,
  mountable: 'ext2, ext3 or ext4',
  run: runNamespaceEngine,
  checkFromOutside,
};

const guestScripts = join(import.meta.dirname, 'guest-scripts');

async function runNamespaceEngine(input: EngineInput): Promise<EngineResult> {
  const { workDirectory, guest } = input;
  const directories = {
    scripts: join(workDirectory, 'scripts'),
    repository: join(workDirectory, 'repository'),
    state: join(workDirectory, 'state'),
    root: join(workDirectory, 'root'),
  };
  await mkdir(directories.state);
  const namespace = await HostNamespace.open();
  const repository = makeRepository(directories, input);
  const made = Promise.allSettled([repository]);
  try {
    const disk = await attachCopy(
      namespace,
      input.copy,
      workDirectory,
      'writable',
      input.host.ioBytesPerSecond,
    );
    const mounted = await mountCopy(namespace, disk.path, guest.mounts, directories.root, 'writable');
    await writeScripts(directories.scripts, input, mounted.devices);
    const devices = [...mounted.devices.values()].map((device) => ({
      from: device,
      to: device,
      writable: true,
    }));
    await repository;
    const changed = await changeCopy(namespace, directories, mounted, devices, input);
    await disk.detach();
    return {
      ...changed,
      initramfsBuilt: await linesOf(directories.state, 'initramfs-built'),
      postponed: await linesOf(directories.state, 'postponed'),
    };
  } finally {
    await namespace.close();
    await made;
  }
}

interface Directories {
  readonly scripts: string;
  readonly repository: string;
  readonly state: string;
  readonly root: string;
}

/** With a place in apt's own cache for each package. */
async function makeRepository({ repository, state }: Directories, input: EngineInput): Promise<void> {
  const archives = join(state, 'archives');
  await mkdir(archives);
  for (const name of await makeLocalRepository(repository, input.packages, input.signal)) {
    await symlink(`/run/coldpatch/repository/${name}`, join(archives, name));
  }
}

async function writeScripts(
  directory: string,
  input: EngineInput,
  devices: ReadonlyMap<string, string>,
): Promise<void> {
  await cp(guestScripts, directory, { recursive: true, dereference: true });
  const { grubProbeAnswers, links } = describeDiskToGuest(input.guest, devices);
  const files = {
    'apt.conf': guestAptConfiguration,
    'sources.list': guestSourcesList,
    preferences: guestPreferences,
    'grub-probe-answers': grubProbeAnswers.map((line) => `${line}\n`).join(''),
    'disk-links': links.map((line) => `${line}\n`).join(''),
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
}

/** Upgrades the mounted copy and unmounts it. Writes that the guest saw succeed reach the copy's file here at the latest. */
async function changeCopy(
  namespace: HostNamespace,
  directories: Directories,
  mounted: MountedCopy,
  devices: GuestCommand['binds'],
  input: EngineInput,
): Promise<Pick<EngineResult, 'log' | 'bootMenuWritten'>> {
  try {
    const { text } = await writeBackDuring(mounted, () => upgrade(namespace, directories, devices, input));
    const menu = await writeBootMenu(namespace, directories, devices, input.signal);
    await mounted.unmount();
    return { log: [...text, ...menu.text].join('\n'), bootMenuWritten: menu.isWritten };
  } catch (error) {
    throw await asHostFull(error, input);
  }
}

async function upgrade(
  namespace: HostNamespace,
  directories: Directories,
  devices: GuestCommand['binds'],
  input: EngineInput,
): Promise<UpgradeLog> {
  const log = createUpgradeLog(input.onProgress);
  const policy = join(directories.scripts, 'stand-ins/policy-rc.d');
  const { exitCode } = await runInGuest(namespace, {
    root: directories.root,
    script: '/run/coldpatch/scripts/upgrade.sh',
    binds: [
      { from: directories.scripts, to: '/run/coldpatch/scripts' },
      { from: directories.repository, to: '/run/coldpatch/repository' },
      { from: directories.state, to: '/run/coldpatch/state', writable: true },
      ...devices,
      ...(input.guest.hasPolicyRcD ? [{ from: policy, to: '/usr/sbin/policy-rc.d' }] : []),
    ],
    signal: input.signal,
    onLine: log.onLine,
  });
  if (exitCode === 0) return log;
  const isGuestFull = await isFull(namespace.pathFromHost(directories.root));
  throw explainUpgradeFailure(log, { step: 'packages', exitCode, isGuestFull });
}

/** Writes the boot menu once, in a container of its own: there the guest's grub-probe can be covered by ours. */
async function writeBootMenu(
  namespace: HostNamespace,
  directories: Directories,
  devices: GuestCommand['binds'],
  signal: AbortSignal,
): Promise<{ readonly isWritten: boolean; readonly text: readonly string[] }> {
  const text: string[] = [];
  if ((await linesOf(directories.state, 'boot-menu-requests')).length === 0)
    return { isWritten: false, text };
  const { exitCode } = await runInGuest(namespace, {
    root: directories.root,
    script: '/run/coldpatch/scripts/write-boot-menu.sh',
    binds: [
      { from: directories.scripts, to: '/run/coldpatch/scripts' },
      { from: join(directories.scripts, 'stand-ins/grub-probe'), to: '/usr/sbin/grub-probe' },
      ...devices,
    ],
    signal,
    onLine: (line) => text.push(line),
  });
  if (exitCode === 0) return { isWritten: true, text };
  const isGuestFull = await isFull(namespace.pathFromHost(directories.root));
  throw explainUpgradeFailure({ text, errors: [] }, { step: 'boot-menu', exitCode, isGuestFull });
}

const fullBelowBytes = 1024n * 1024n;

/** False when it cannot be asked, because its disk is gone: then other words say more. */
async function isFull(path: string): Promise<boolean> {
  try {
    const { bavail, bsize } = await statfs(path, { bigint: true });
    return bavail * bsize < fullBelowBytes;
  } catch (error) {
    if (hasErrorCode(error, 'EIO', 'ENOTCONN', 'ENOENT')) return false;
    throw error;
  }
}

const maximumStateBytes = 64 * 1024;

/** Reads what a script of the guest left for us: text that nobody has checked, and no link to elsewhere. */
async function linesOf(directory: string, name: string): Promise<readonly string[]> {
  try {
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    await using file = await open(join(directory, name), flags);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(maximumStateBytes));
    const text = buffer.subarray(0, bytesRead).toString('utf8');
    return [...new Set(text.split('\n').filter((line) => line !== ''))];
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return [];
    throw error;
  }
}
