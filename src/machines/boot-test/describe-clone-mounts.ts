import type { PrepareOptions } from './prepare-clone.ts';

/** A filesystem of a guest, by where its partition is. */
export interface CloneMount {
  readonly path: string;
  readonly filesystem: string;
  /** Of the partition; 0 for the whole disk. */
  readonly number: number;
  /** First byte on the disk; undefined for a volume of a volume manager. */
  readonly start: bigint | undefined;
}

const sectorBytes = 512n;

/** What of a guest the appliance can mount for the job inside: ext2, ext3 and ext4 on plain partitions. */
export function describeCloneMounts(mounts: readonly CloneMount[]): PrepareOptions['mounts'] {
  const lines = mounts.flatMap(({ path, filesystem, number, start }) =>
    filesystem === 'ext4' && start !== undefined && /^\/[!-~]*$/.test(path)
      ? [{ path, text: `${number} ${start / sectorBytes} ${path}\n` }]
      : [],
  );
  if (lines[0]?.path === '/') return { lines: lines.map(({ text }) => text).join('') };
  const root = mounts.find(({ path }) => path === '/');
  if (!root) return { reason: 'no root of a system was found' };
  const what = root.start === undefined ? 'a volume of a volume manager' : root.filesystem;
  return { reason: `its root is ${what}, which the appliance does not write to` };
}
