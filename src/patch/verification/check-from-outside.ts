import { join } from 'node:path';
import type { GuestMount } from '../../guest/mount-guest.ts';
import { attachCopy } from '../copy-access/attach-copy.ts';
import { HostNamespace } from '../copy-access/host-namespace.ts';
import { mountCopy } from '../copy-access/mount-copy.ts';
import { placeOnDisk } from '../copy-access/place-on-disk.ts';
import type { CheckInput } from '../engines/types.ts';
import { judgeAudit, judgeFilesystem } from './judge-programs.ts';
import type { Check } from './types.ts';

/**
 * The checks that need programs of this host: e2fsck on every filesystem, and dpkg's audit of the package records.
 * The copy is attached read only; no code of the guest runs.
 */
export async function checkFromOutside({
  copy,
  mounts,
  workDirectory,
  host,
  signal,
}: CheckInput): Promise<readonly Check[]> {
  const namespace = await HostNamespace.open();
  try {
    const disk = await attachCopy(namespace, copy, workDirectory, 'read-only', host.ioBytesPerSecond);
    const [filesystems, audit] = await Promise.all([
      checkFilesystems(namespace, disk.path, mounts, signal),
      auditPackages(namespace, disk.path, mounts, join(workDirectory, 'audit'), signal),
    ]);
    await disk.detach();
    return [...filesystems, audit];
  } finally {
    await namespace.close();
  }
}

async function checkFilesystems(
  namespace: HostNamespace,
  disk: string,
  mounts: readonly GuestMount[],
  signal: AbortSignal,
): Promise<readonly Check[]> {
  const checks: Check[] = [];
  for (const { path, volume } of mounts) {
    const start = placeOnDisk(volume);
    const { exitCode, stdout, stderr } = await namespace.run({
      file: 'e2fsck',
      args: ['-f', '-n', start === 0n ? disk : `${disk}?offset=${start}`],
      timeoutSeconds: 3600,
      signal,
    });
    const ok = exitCode === 0;
    const words = [...stdout.trim().split('\n').slice(-6), ...(ok ? [] : [stderr.trim()])];
    checks.push(judgeFilesystem(path, { program: 'e2fsck', ok, code: String(exitCode), words }));
  }
  return checks;
}

async function auditPackages(
  namespace: HostNamespace,
  disk: string,
  mounts: readonly GuestMount[],
  root: string,
  signal: AbortSignal,
): Promise<Check> {
  const mounted = await mountCopy(namespace, disk, mounts, root, 'read-only');
  const { exitCode, stdout, stderr } = await namespace.run({
    file: 'dpkg',
    args: [`--admindir=${mounted.root}/var/lib/dpkg`, '--audit'],
    timeoutSeconds: 120,
    signal,
  });
  await mounted.unmount();
  return judgeAudit(String(exitCode), `${stdout}\n${stderr}`);
}
