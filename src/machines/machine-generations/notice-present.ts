import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileFast } from '../../lib/durable-file.ts';
import { isColdpatchError } from '../../lib/errors.ts';
import { hasErrorCode } from '../../lib/has-error-code.ts';
import { readIdentity } from '../image-identity.ts';
import { isThere } from '../vtpm/state-files.ts';
import { examinePresent } from './examine-present.ts';
import { readLog } from './log.ts';
import { memberFilesOf } from './member-files.ts';
import type { MachineContext } from './read-generation.ts';
import { readGenerations } from './read-generations.ts';

/** What a short look at a machine has shown. */
export interface Notice {
  /** False while the machine is in use: then it was not looked at. */
  readonly looked: boolean;
  /** What somebody has done by hand. */
  readonly findings: readonly string[];
}

const noticedSchema = z.strictObject({
  /** Where the log was, and which files there were, in one text: unless that changed, the findings hold. */
  state: z.string(),
  findings: z.array(z.string()),
});

/**
 * Looks whether somebody put parts of the machine back by hand. Files that nobody touched since the last look are not read again,
 * and disks only where samples do not settle it. Of files that cannot be trusted to that point `examinePresent` reads all.
 */
export async function noticePresent(context: MachineContext, signal?: AbortSignal): Promise<Notice> {
  const log = await readLog(context.host, context.key.publicKey);
  const state = `${log.digests.at(-1) ?? ''} ${filesOf(context)}`;
  const path = join(context.state.path, 'noticed.json');
  const noticed = await readNoticed(path);
  if (noticed?.state === state) return { looked: true, findings: noticed.findings };
  const generations = await readGenerations(context, log, { digests: false, signal });
  const complete = generations.filter((one) => one.answer === 'complete');
  try {
    const { findings } = await examinePresent(context, log, complete, { quick: true, signal });
    if (`${log.digests.at(-1) ?? ''} ${filesOf(context)}` === state) {
      await writeFileFast(path, `${JSON.stringify({ state, findings })}\n`, 0o600);
    }
    return { looked: true, findings };
  } catch (error) {
    if (!isColdpatchError(error, 'image_in_use')) throw error;
    return { looked: false, findings: [] };
  }
}

function filesOf({ machine }: MachineContext): string {
  return memberFilesOf(machine)
    .filter(({ path }) => isThere(path))
    .map(({ path }) => {
      const { device, inode, size, modifiedAt, changedAt } = readIdentity(path);
      return [path, device, inode, size, modifiedAt, changedAt].join(' ');
    })
    .join('\n');
}

/** What cannot be understood is made again. */
async function readNoticed(path: string): Promise<z.infer<typeof noticedSchema> | undefined> {
  try {
    return noticedSchema.safeParse(JSON.parse(await readFile(path, 'utf8'))).data;
  } catch (error) {
    if (!hasErrorCode(error, 'ENOENT') && !(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}
