import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isColdpatchError } from '../../../lib/errors.ts';
import { runProgram } from '../../../lib/run-program.ts';
import { bootSectorExitCode, bootSectorWords, makeBootSector } from './probe-boot-sector.ts';

/** Whether a guest of a few instructions ran; if not, what was seen in its place. */
export type GuestProbe = { readonly runs: true } | { readonly runs: false; readonly detail: string };

export interface GuestProbeOptions {
  readonly accelerator: 'kvm' | 'tcg';
  readonly timeoutSeconds: number;
  /** An existing directory, where files are left. */
  readonly workDirectory: string;
  readonly signal?: AbortSignal;
}

const diskBytes = 1024 * 1024;

/**
 * Starts a PC with a disk that holds nothing but our boot sector, and waits until it spoke.
 *
 * @throws ColdpatchError `host_tool_missing` when there is no qemu-system-x86_64.
 */
export async function probeGuest(options: GuestProbeOptions): Promise<GuestProbe> {
  const disk = join(options.workDirectory, `probe-${options.accelerator}.img`);
  await writeFile(disk, makeBootSector());
  await truncate(disk, diskBytes);
  const node = {
    driver: 'raw',
    'node-name': 'disk',
    'read-only': false,
    file: { driver: 'file', filename: disk },
  };
  try {
    const { exitCode, stdout, stderr } = await runProgram({
      file: 'qemu-system-x86_64',
      args: [
        ['-accel', options.accelerator, '-machine', 'pc', '-m', '32', '-no-reboot'],
        ['-nodefaults', '-no-user-config', '-display', 'none', '-monitor', 'none', '-serial', 'none'],
        ['-blockdev', JSON.stringify(node), '-device', 'ide-hd,drive=disk,bootindex=0'],
        ['-debugcon', 'stdio', '-device', 'isa-debug-exit,iobase=0xf4,iosize=0x01'],
      ].flat(),
      timeoutSeconds: options.timeoutSeconds,
      maxOutputBytes: 4096,
      ...(options.signal && { signal: options.signal }),
    });
    if (exitCode === bootSectorExitCode && stdout === bootSectorWords) return { runs: true };
    return {
      runs: false,
      detail: stderr.trim().split('\n').at(-1) || `QEMU ended with exit code ${exitCode}`,
    };
  } catch (error) {
    if (!isColdpatchError(error, 'host_tool_timeout')) throw error;
    return { runs: false, detail: `it showed no sign of life within ${options.timeoutSeconds} s` };
  }
}
