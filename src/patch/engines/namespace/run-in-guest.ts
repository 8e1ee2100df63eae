import type { ProgramResult } from '../../../lib/run-program.ts';
import type { HostNamespace } from '../../copy-access/host-namespace.ts';

export interface GuestCommand {
  /** The guest's root, as the namespace sees it. */
  readonly root: string;
  /** Run as the first process by the guest's shell. */
  readonly script: string;
  /** Paths of the host shown in the guest. */
  readonly binds: readonly { readonly from: string; readonly to: string; readonly writable?: boolean }[];
  readonly signal: AbortSignal;
  readonly onLine: (line: string) => void;
}

/** What a package script has no business with; a private network and pid namespace come on top. */
const droppedCapabilities = [
  'CAP_AUDIT_CONTROL',
  'CAP_AUDIT_WRITE',
  'CAP_BLOCK_SUSPEND',
  'CAP_IPC_OWNER',
  'CAP_LEASE',
  'CAP_LINUX_IMMUTABLE',
  'CAP_NET_ADMIN',
  'CAP_NET_BROADCAST',
  'CAP_NET_RAW',
  'CAP_SYS_ADMIN',
  'CAP_SYS_BOOT',
  'CAP_SYS_NICE',
  'CAP_SYS_PTRACE',
  'CAP_SYS_RESOURCE',
  'CAP_SYS_TTY_CONFIG',
];

const maximumSeconds = 3600;

/**
 * Runs a script with the guest's own programs: no network, no syncs, nothing of the host but the binds.
 * This is isolation from accidents, not from an attacker: the kernel is the host's.
 */
export function runInGuest(namespace: HostNamespace, command: GuestCommand): Promise<ProgramResult> {
  return namespace.run({
    file: 'systemd-nspawn',
    args: [
      '--quiet',
      `--directory=${command.root}`,
      `--machine=coldpatch-${process.pid}`,
      '--register=no',
      '--keep-unit',
      '--settings=no',
      '--as-pid2',
      '--console=pipe',
      '--private-network',
      '--suppress-sync=yes',
      '--link-journal=no',
      '--resolv-conf=off',
      '--timezone=off',
      `--drop-capability=${droppedCapabilities.join(',')}`,
      ...command.binds.map(
        ({ from, to, writable }) =>
          `--bind${writable ? '' : '-ro'}=${escapeColons(from)}:${escapeColons(to)}`,
      ),
      '/bin/sh',
      command.script,
    ],
    timeoutSeconds: maximumSeconds,
    maxOutputBytes: 16 * 1024 * 1024,
    signal: command.signal,
    onLine: command.onLine,
  });
}

function escapeColons(path: string): string {
  return path.replaceAll('\\', '\\\\').replaceAll(':', '\\:');
}
