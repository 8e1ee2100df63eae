import { lstatSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileDurably } from '../../lib/durable-file.ts';
import { digestFile } from '../../lib/digest-file.ts';
import { ColdpatchError, isColdpatchError } from '../../lib/errors.ts';
import { stagedDirectory } from '../generations/generation-paths.ts';
import { signStatement } from '../signing/statement.ts';
import { examineVtpm } from '../vtpm/examine-vtpm.ts';
import { isThere } from '../vtpm/state-files.ts';
import { digestOf, type GenerationLog } from './log.ts';
import { type Manifest, manifestName, type Member, statementOf } from './manifest.ts';
import { generationFilesOf, type MemberFile, preparedPath } from './member-files.ts';
import { readLastState } from './last-state.ts';
import { findPutBack, placeMembers } from './put-back.ts';
import type { MachineContext } from './read-generation.ts';
import { readGenerations } from './read-generations.ts';

export interface Description {
  readonly generation: number;
  readonly cause: Manifest['cause'];
  readonly reason: string;
  readonly takenAt: Date;
  readonly heldSeconds: number;
  readonly running?: Manifest['running'];
  readonly parent: Manifest['parent'];
  readonly origin: Manifest['origin'];
  readonly log: GenerationLog;
  /** A machine that is not whole is described with its problems, where that is better than to lose what there is. */
  readonly acceptProblems: boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads the members of a generation that is being prepared, starts its vTPM on a copy, and writes the signed manifest.
 *
 * @returns SHA-256 of the manifest.
 * @throws ColdpatchError `vtpm_broken`, `vtpm_key`, unless problems are accepted.
 */
export async function describeGeneration(
  context: MachineContext,
  description: Description,
): Promise<{ readonly manifest: Manifest; readonly digest: string }> {
  const { machine, state, key } = context;
  const { generation, log, signal } = description;
  const files = generationFilesOf(machine).map((file) => ({
    file,
    path: preparedPath(state, machine, generation, file),
  }));
  const there = files.filter(({ path }) => isThere(path));
  const members: Member[] = [];
  for (const { file, path } of there) members.push(await describeMember(file, path, signal));
  const problems = files
    .filter(({ file, path }) => file.required && !isThere(path))
    .map(({ file }) => `there was no ${file.path}`);
  if (problems.length > 0 && !description.acceptProblems) {
    throw new ColdpatchError(
      'file_not_found',
      `Expected all files of the machine ${machine.name}, but ${problems.join(', ')}. Put them back, or roll the machine back.`,
    );
  }
  const { vtpm, problem } = await examine(context, description);
  const findings =
    description.cause === 'import' ? [] : await findingsOf(context, description, members, vtpm);
  const manifest: Manifest = {
    schema: 1,
    machine,
    generation,
    parent: description.parent,
    takenAt: description.takenAt.toISOString(),
    cause: description.cause,
    reason: description.reason,
    members,
    vtpm,
    problems: [...problems, ...problem],
    findings: [...findings],
    heldSeconds: description.heldSeconds,
    running: description.running ?? null,
    log: { entries: log.entries.length, head: log.digests.at(-1) ?? null },
    origin: description.origin,
  };
  const text = signStatement(statementOf(manifest), key);
  await writeFileDurably(join(stagedDirectory(state, generation), manifestName), text, 0o600);
  return { manifest, digest: digestOf(text) };
}

/** The digests that were made anyway show what was put back. */
async function findingsOf(
  context: MachineContext,
  { log, signal }: Description,
  members: readonly Member[],
  vtpm: Manifest['vtpm'],
): Promise<readonly string[]> {
  const generations = await readGenerations(context, log, { digests: false, signal });
  const complete = generations.filter((one) => one.answer === 'complete');
  const last = await readLastState(context, log);
  return findPutBack(placeMembers(members, complete, last), last, vtpm?.counters);
}

async function describeMember(
  file: MemberFile,
  path: string,
  signal: AbortSignal | undefined,
): Promise<Member> {
  const sha256 = await digestFile(path, signal ? { signal } : {});
  const source = lstatSync(file.kind !== 'memory' && isThere(file.path) ? file.path : path);
  const { name, kind, format } = file;
  return {
    name,
    kind,
    path: file.path,
    format,
    sha256,
    size: lstatSync(path).size,
    owner: source.uid,
    group: source.gid,
    mode: source.mode & 0o7777,
  };
}

async function examine(
  { machine, state }: MachineContext,
  { generation, acceptProblems, signal }: Description,
): Promise<{ readonly vtpm: Manifest['vtpm']; readonly problem: readonly string[] }> {
  if (!machine.vtpm) return { vtpm: null, problem: [] };
  try {
    await mkdir(state.work, { recursive: true, mode: 0o700 });
    const vtpm = await examineVtpm({
      machineId: machine.id,
      vtpm: machine.vtpm,
      directory: stagedDirectory(state, generation),
      workDirectory: join(state.work, `vtpm-${generation}`),
      signal,
    });
    return { vtpm, problem: [] };
  } catch (error) {
    const isState = isColdpatchError(error, 'vtpm_broken', 'vtpm_key') || isMissing(error);
    if (!acceptProblems || !isState) throw error;
    return { vtpm: null, problem: [(error as Error).message] };
  }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}
