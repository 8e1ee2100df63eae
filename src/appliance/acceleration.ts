import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { hostname, release, version } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileDurably } from '../lib/durable-file.ts';
import { isColdpatchError } from '../lib/errors.ts';
import { hasErrorCode } from '../lib/has-error-code.ts';
import { applianceDirectory } from './appliance-files.ts';
import { withAppliance } from './run-appliance.ts';
import type { Appliance } from './types.ts';

/**
 * What KVM on this host is worth. A `/dev/kvm` that opens is no proof: in a virtual machine without nested
 * virtualisation it can be there, and the first guest hangs or fails.
 */
export type KvmState =
  | { readonly state: 'usable' }
  | { readonly state: 'opens but a guest does not run'; readonly detail: string }
  | { readonly state: 'absent' | 'not tried'; readonly detail: string };

export interface KvmProbeOptions {
  readonly appliance: Appliance;
  readonly cacheDirectory: string;
  readonly timeoutSeconds: number;
  /** Take no answer from before. */
  readonly again?: boolean;
  readonly signal: AbortSignal;
  /** Default `/dev/kvm`. */
  readonly device?: string;
}

const answerSchema = z.strictObject({
  schema: z.literal(1),
  /** Host, kernel, appliance and patience that the answer holds for. */
  asked: z.string(),
  kvm: z.union([
    z.strictObject({ state: z.literal('usable') }),
    z.strictObject({ state: z.literal('opens but a guest does not run'), detail: z.string() }),
  ]),
});

/**
 * Starts the appliance once under KVM, and remembers in the cache what came of it: for this host, its kernel, and this appliance.
 *
 * @throws ColdpatchError `host_tool_missing` when there is no qemu-system-x86_64.
 */
export async function probeKvm(options: KvmProbeOptions): Promise<KvmState> {
  const { appliance, cacheDirectory, timeoutSeconds, device = '/dev/kvm' } = options;
  const cannot = reasonAgainst(device);
  if (cannot !== undefined) return { state: 'absent', detail: cannot };
  const path = join(applianceDirectory(cacheDirectory), 'kvm.json');
  const asked = [hostname(), release(), version(), appliance.digest, timeoutSeconds].join(' ');
  if (options.again !== true) {
    const remembered = await recall(path);
    if (remembered?.asked === asked) return remembered.kvm;
  }
  const kvm = await tryKvm(options);
  await remember(path, { schema: 1, asked, kvm });
  return kvm;
}

function reasonAgainst(device: string): string | undefined {
  try {
    closeSync(openSync(device, 'r+'));
    return undefined;
  } catch (error) {
    return hasErrorCode(error, 'ENOENT') ? `there is no ${device}` : (error as Error).message;
  }
}

/** A cache that belongs to somebody else is only read: then the next run asks again. */
async function remember(path: string, answer: z.infer<typeof answerSchema>): Promise<void> {
  try {
    await writeFileDurably(path, `${JSON.stringify(answer)}\n`, 0o644);
  } catch (error) {
    if (!hasErrorCode(error, 'EACCES', 'EROFS')) throw error;
  }
}

async function recall(path: string): Promise<z.infer<typeof answerSchema> | undefined> {
  try {
    return answerSchema.safeParse(JSON.parse(await readFile(path, 'utf8'))).data;
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT') || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

async function tryKvm({
  appliance,
  timeoutSeconds,
  signal,
}: KvmProbeOptions): Promise<z.infer<typeof answerSchema>['kvm']> {
  try {
    await withAppliance(
      {
        appliance,
        accelerator: 'kvm',
        disks: [],
        memoryMebibytes: 256,
        startSeconds: timeoutSeconds,
        signal,
      },
      () => Promise.resolve(),
    );
    return { state: 'usable' };
  } catch (error) {
    if (isColdpatchError(error, 'appliance_timeout'))
      return {
        state: 'opens but a guest does not run',
        detail: `it showed no sign of life within ${timeoutSeconds} s`,
      };
    if (!isColdpatchError(error, 'appliance_failed', 'host_tool_failed')) throw error;
    return { state: 'opens but a guest does not run', detail: error.message.split('\n').at(-1) ?? '' };
  }
}
