import { lstatSync } from 'node:fs';
import { chmod, chown } from 'node:fs/promises';
import { join } from 'node:path';
import { digestFile } from '../../lib/digest-file.ts';
import { syncDirectory, syncFile } from '../../lib/durable-file.ts';
import { ColdpatchError } from '../../lib/errors.ts';
import { asHostSpaceError } from '../../lib/host-space-error.ts';
import { copyAttributes } from '../generations/copy-attributes.ts';
import { hasSameContent, type ImageIdentity, readIdentity } from '../image-identity.ts';
import { keyIdOf } from '../vtpm/key-id.ts';
import { isThere } from '../vtpm/state-files.ts';
import { copyMember, discardPrepared, makeBesideDirectory, prepareMembers } from './prepare-generation.ts';
import { describeGeneration } from './describe-generation.ts';
import { finishRollBack } from './finish-roll-back.ts';
import { holdMachine } from './hold-machine.ts';
import { removeMachineIntent, type RollBackIntent, writeMachineIntent } from './intent.ts';
import { type GenerationLog, readLog } from './log.ts';
import { lostCounts, type LostCount } from './lost-counts.ts';
import type { Manifest, Member } from './manifest.ts';
import {
  besideDirectory,
  diskDirectories,
  keptPath,
  type MemberFile,
  memberFilesOf,
  memoryFileOf,
} from './member-files.ts';
import { newestParent } from './newest-parent.ts';
import { nextNumber } from './next-number.ts';
import {
  answerOf,
  type MachineContext,
  type MachineGeneration,
  numbersOf,
  readGeneration,
} from './read-generation.ts';
import { contentsOf } from './settle-roll-back.ts';
import type { OnMachineStep } from './steps.ts';

export interface RollBackMachineOptions {
  /** Default: the newest that was not left by a rollback. */
  readonly generation?: number | undefined;
  readonly reserve: bigint;
  readonly now: () => Date;
  readonly signal?: AbortSignal | undefined;
  readonly onStep?: OnMachineStep | undefined;
}

export interface RolledBackMachine {
  readonly restored: MachineGeneration;
  /** The generation that the replaced state became. */
  readonly kept: { readonly number: number; readonly manifest: Manifest };
  /** What the guest sees go backwards. */
  readonly lost: readonly LostCount[];
  /** The memory of the guest, for QEMU's `-incoming`; null when the generation has none. */
  readonly memory: string | null;
}

/**
 * Puts all members of a machine back to a generation, and keeps what they were as a new generation.
 * The caller has the run lock of the machine and has recovered.
 *
 * Until the commitment nothing of the machine is changed; from then on it is carried out, by the next run if need be.
 *
 * @throws ColdpatchError `generation_unknown`, `generation_altered`, `image_in_use`, `vtpm_key`, `host_space`.
 */
export async function rollBackMachine(
  context: MachineContext,
  options: RollBackMachineOptions,
): Promise<RolledBackMachine> {
  const { host, machine, state, key } = context;
  const { now, onStep: step = () => undefined, signal } = options;
  const log = await readLog(host, key.publicKey);
  const restored = await chooseGeneration(context, log, options);
  await assertSameKey(context, restored.manifest);
  const keeps = await nextNumber(context, log);
  const staged = stagedDirectories(context, keeps);
  const directories = [...diskDirectories(machine, keeps), ...staged];
  await using hold = await holdMachine(machine);
  await writeMachineIntent(state, { operation: 'prepare', generation: keeps, directories });
  await step('back_intended');
  let intent: RollBackIntent;
  let kept: Manifest;
  try {
    const before = identitiesOf(context);
    await stageMembers(context, restored, keeps, options);
    await step('back_staged');
    await prepareMembers(context, keeps, { disks: 'link', ...options });
    await step('back_linked');
    const described = await describeGeneration(context, {
      generation: keeps,
      cause: 'rollback',
      reason: `rolled back to generation ${restored.number}`,
      takenAt: now(),
      heldSeconds: 0,
      parent: newestParent(context, log),
      origin: null,
      log,
      acceptProblems: true,
      signal,
    });
    kept = described.manifest;
    await step('back_described');
    signal?.throwIfAborted();
    await hold.assertHeld();
    assertUntouched(before, identitiesOf(context));
    intent = {
      operation: 'roll_back',
      generation: restored.number,
      manifest: restored.digest,
      keeps,
      steps: stepsOf(context, restored, keeps),
      old: contentsOf(machine),
      directories: staged,
    };
    await writeMachineIntent(state, intent);
  } catch (error) {
    // What cannot be taken back now is left to the next recovery; the first error says why.
    await discardPrepared(context, keeps, directories)
      .then(() => removeMachineIntent(state))
      .catch(() => undefined);
    throw asHostSpaceError(error, state.path);
  }
  await step('back_committed');
  await finishRollBack(context, intent, options);
  return {
    restored,
    kept: { number: keeps, manifest: kept },
    lost: lostCounts(kept.vtpm?.counters, restored.manifest.vtpm?.counters),
    memory: restored.manifest.members.some(({ kind }) => kind === 'memory')
      ? keptPath(state, machine, restored.number, memoryFileOf(machine))
      : null,
  };
}

async function chooseGeneration(
  context: MachineContext,
  log: GenerationLog,
  { generation, signal }: RollBackMachineOptions,
): Promise<MachineGeneration> {
  const number = generation ?? (await newestOf(context, log));
  // The digests are made of what is staged from it: one reading is enough.
  const found = await readGeneration(context, log, number, { digests: false, signal });
  if (found.manifest.problems.length === 0) return found;
  throw new ColdpatchError(
    'generation_altered',
    `Expected generation ${number} to be whole, but it was kept of a machine that was not: ${found.manifest.problems.join('; ')}.`,
  );
}

async function newestOf(context: MachineContext, log: GenerationLog): Promise<number> {
  for (const number of (await numbersOf(context, log)).toReversed()) {
    const found = await answerOf(context, log, number, { digests: false });
    if (found.answer === 'altered' || found.manifest.cause !== 'rollback') return number;
  }
  throw new ColdpatchError(
    'generation_unknown',
    `Expected a generation of ${context.machine.name} that no rollback left, but there is none. Name one with --generation.`,
  );
}

async function assertSameKey({ machine }: MachineContext, { vtpm }: Manifest): Promise<void> {
  if (!vtpm?.keyId) return;
  const present = machine.vtpm?.key ? await keyIdOf(machine.vtpm.key, machine.id) : undefined;
  if (present === vtpm.keyId) return;
  throw new ColdpatchError(
    'vtpm_key',
    `Expected the key ${vtpm.keyId} of the vTPM, because the generation is encrypted with it, but found ${present ?? 'none'}. ` +
      'Put the former key back first: the machine could not start with another.',
  );
}

function stagedDirectories({ machine }: MachineContext, keeps: number): string[] {
  return [
    ...new Set(memberFilesOf(machine).map((file) => besideDirectory(machine, file, `${keeps}.staged`))),
  ];
}

function stagedPath({ machine }: MachineContext, file: MemberFile, keeps: number): string {
  return join(besideDirectory(machine, file, `${keeps}.staged`), file.name);
}

/** Copies the members to their own filesystems, and compares every copy with the manifest. */
async function stageMembers(
  context: MachineContext,
  { manifest, number }: MachineGeneration,
  keeps: number,
  { reserve, signal }: RollBackMachineOptions,
): Promise<void> {
  const { machine, state } = context;
  for (const file of memberFilesOf(machine)) {
    const member = manifest.members.find(({ name }) => name === file.name);
    if (!member) continue;
    const to = stagedPath(context, file, keeps);
    await makeBesideDirectory(besideDirectory(machine, file, `${keeps}.staged`));
    await copyMember({ ...file, path: keptPath(state, machine, number, file) }, to, { reserve, signal });
    const found = await digestFile(to, signal ? { signal } : {});
    if (found !== member.sha256) {
      throw new ColdpatchError(
        'generation_altered',
        `Expected ${file.name} of generation ${number} to have the SHA-256 ${member.sha256}, but found ${found}. Nothing was replaced; choose another generation.`,
      );
    }
    await giveAttributes(file, member, to);
    await syncFile(to);
    await syncDirectory(besideDirectory(machine, file, `${keeps}.staged`));
  }
}

/** Those of the file in its place; where none is, those that were written down. */
async function giveAttributes(file: MemberFile, member: Member, to: string): Promise<void> {
  if (isThere(file.path)) {
    await copyAttributes(file.path, to);
    return;
  }
  await chown(to, member.owner, member.group);
  await chmod(to, member.mode);
}

function stepsOf(
  context: MachineContext,
  { manifest }: MachineGeneration,
  keeps: number,
): RollBackIntent['steps'] {
  return memberFilesOf(context.machine).flatMap((file): RollBackIntent['steps'] => {
    if (!manifest.members.some(({ name }) => name === file.name)) {
      return isThere(file.path) ? [{ path: file.path, staged: null, inode: null }] : [];
    }
    const staged = stagedPath(context, file, keeps);
    return [{ path: file.path, staged, inode: String(lstatSync(staged, { bigint: true }).ino) }];
  });
}

function identitiesOf({ machine }: MachineContext): ReadonlyMap<string, ImageIdentity> {
  return new Map(
    memberFilesOf(machine)
      .filter(({ path }) => isThere(path))
      .map(({ path }) => [path, readIdentity(path)]),
  );
}

function assertUntouched(
  before: ReadonlyMap<string, ImageIdentity>,
  after: ReadonlyMap<string, ImageIdentity>,
): void {
  const changed = [...before].find(([path, identity]) => {
    const found = after.get(path);
    return !found || !hasSameContent(found, identity);
  });
  if (!changed && before.size === after.size) return;
  throw new ColdpatchError(
    'image_changed',
    `Expected ${changed?.[0] ?? 'the machine'} to stay as it was, but it was written or replaced meanwhile. ` +
      'Nothing was replaced: make sure that the machine stays off, then try again.',
  );
}
