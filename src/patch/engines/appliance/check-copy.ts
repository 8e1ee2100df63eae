import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Filesystem, FilesystemId } from '../../../disk/filesystems/types.ts';
import { judgeAudit, judgeFilesystem } from '../../verification/judge-programs.ts';
import { type Check, judge } from '../../verification/types.ts';
import type { CheckInput } from '../types.ts';
import { describeMounts } from './describe-mounts.ts';
import { makeJobDisk } from './make-job-disk.ts';
import { findApplianceHost } from './open-room.ts';
import { runShortJob } from './run-short-job.ts';

const checkSeconds = 4 * 3600;

/**
 * e2fsck on every filesystem and dpkg's audit of the package records, in a new appliance that sees the copy read only:
 * no code of the guest ran in it.
 */
export async function checkCopyInAppliance(input: CheckInput): Promise<readonly Check[]> {
  const { copy, mounts, workDirectory, signal } = input;
  const { ioBytesPerSecond } = input.host;
  const tree = join(workDirectory, 'job');
  await mkdir(tree);
  await cp(jobScripts, tree, { recursive: true });
  await writeFile(join(tree, 'mounts'), describeMounts(mounts));
  const jobDisk = join(workDirectory, 'job-disk');
  await makeJobDisk(tree, jobDisk, signal);
  const host = await findApplianceHost(input.host, signal);
  const room = { host, copy, writable: false, jobDisk, ioBytesPerSecond, signal };
  const { exitCode, results, words } = await runShortJob(room, { name: 'check.sh', seconds: checkSeconds });
  const checks = readCheckResults(results, mounts);
  if (exitCode === 0) return checks;
  return [...checks, judge('safe environment', [`the checks ended with ${exitCode}: ${words}`], '')];
}

const jobScripts = join(import.meta.dirname, 'job-scripts');

/** The judge of each filesystem: see job-scripts/check.sh. */
const judges: Readonly<Partial<Record<FilesystemId, string>>> = {
  ext4: 'e2fsck',
  xfs: 'xfs_repair',
  btrfs: 'btrfs check',
  fat: 'fsck.fat',
};

/** A filesystem of the copy, as it was in the original. */
export interface CheckedMount {
  readonly path: string;
  readonly filesystem: Pick<Filesystem, 'id' | 'clean'>;
}

/** What is missing did not pass. */
export function readCheckResults(
  results: readonly string[],
  mounts: readonly CheckedMount[],
): readonly Check[] {
  const textOf = (prefix: string): readonly string[] =>
    results.filter((line) => line.startsWith(prefix)).map((line) => line.slice(prefix.length));
  const filesystems = mounts.map(({ path, filesystem: { id, clean } }, index) => {
    const program = judges[id] ?? id;
    const codes = textOf(`fsck ${index} `);
    const words = textOf(`fsck-text ${index} `);
    // fsck.fat counts the mark of a crash, which stays as it is.
    const ok = codes.length === 1 && (codes[0] === '0' || (id === 'fat' && !clean && codes[0] === '1'));
    return judgeFilesystem(path, { program, ok, code: codes[0] ?? 'no answer', words });
  });
  const codes = textOf('audit ');
  const words = textOf('audit-text ').join('\n');
  return [...filesystems, judgeAudit(codes.length === 1 ? codes[0] : undefined, words)];
}
