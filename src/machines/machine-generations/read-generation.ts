import { lstatSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestFile } from '../../lib/digest-file.ts';
import { ColdpatchError, isColdpatchError } from '../../lib/errors.ts';
import { hasErrorCode } from '../../lib/has-error-code.ts';
import type { HostState } from '../definitions/host-state.ts';
import type { Machine } from '../definitions/machine.ts';
import type { MachineState } from '../definitions/machine-state.ts';
import { generationDirectory, generationNumbers } from '../generations/generation-paths.ts';
import { namesIn } from '../generations/state-directory.ts';
import { attestationName } from '../signing/image-statements.ts';
import { verifyStatement } from '../signing/statement.ts';
import type { ServiceKey } from '../signing/service-key.ts';
import { arrivalOf, digestOf, type GenerationLog, isArrival } from './log.ts';
import { type Manifest, manifestName, manifestOf } from './manifest.ts';
import { besideDirectory, generationFilesOf, isBesideDisk, keptPath } from './member-files.ts';

/** A machine, and all that is needed to work with its generations. */
export interface MachineContext {
  readonly host: HostState;
  readonly machine: Machine;
  readonly state: MachineState;
  readonly key: ServiceKey;
}

export interface MachineGeneration {
  readonly number: number;
  readonly manifest: Manifest;
  /** SHA-256 of the signed manifest. */
  readonly digest: string;
}

/** The manifest that another host signed, of a generation that was imported. */
export const originName = 'origin.dsse.json';

/** What a generation may keep besides its members. */
const attachments = [manifestName, attestationName, originName];
const largestManifest = 8 * 1024 * 1024;

/**
 * Reads a generation: signature, log, names and sizes of all members; their digests only when asked for.
 *
 * @throws ColdpatchError `generation_unknown`, `generation_altered` for a member that is missing, extra, altered or foreign.
 */
export async function readGeneration(
  context: MachineContext,
  log: GenerationLog,
  number: number,
  { digests, signal }: { readonly digests: boolean; readonly signal?: AbortSignal | undefined },
): Promise<MachineGeneration> {
  const { machine, state } = context;
  const directory = generationDirectory(state, number);
  const text = await readManifestText(join(directory, manifestName), number);
  const manifest = readManifest(context, text, directory);
  const digest = digestOf(text);
  if (manifest.machine.id !== machine.id || manifest.generation !== number) {
    throw altered(
      number,
      `its manifest is that of generation ${manifest.generation} of ${manifest.machine.name}`,
    );
  }
  if (deletedOf(log, machine).has(number)) throw altered(number, 'the log says that it was deleted');
  const logged = arrivalOf(log, machine.id, number);
  if (logged?.manifest !== digest) {
    throw altered(
      number,
      logged ? 'the log names another manifest' : 'the log of generations does not name it',
    );
  }
  await assertNames(context, number, manifest);
  for (const member of manifest.members) {
    const path = pathOf(context, number, member.name);
    const status = lstatSync(path);
    if (!status.isFile() || status.size !== member.size) {
      throw altered(number, `${member.name} has ${status.size} bytes instead of ${member.size}`);
    }
    if (!digests) continue;
    const found = await digestFile(path, signal ? { signal } : {});
    if (found !== member.sha256) throw altered(number, `${member.name} has the SHA-256 ${found}`);
  }
  return { number, manifest, digest };
}

/** Numbers of all generations that are there, and of those that the log says should be. */
export async function numbersOf(
  { state, machine }: MachineContext,
  log: GenerationLog,
): Promise<readonly number[]> {
  const deleted = deletedOf(log, machine);
  const arrived = log.entries
    .filter((entry) => entry.machine === machine.id && isArrival(entry) && !deleted.has(entry.generation))
    .map(({ generation }) => generation);
  return [...new Set([...(await generationNumbers(state)), ...arrived])].toSorted(
    (one, other) => one - other,
  );
}

/** A generation, or what is wrong with it. */
export type GenerationAnswer =
  | ({ readonly answer: 'complete' } & MachineGeneration)
  | { readonly answer: 'altered'; readonly number: number; readonly detail: string };

export async function answerOf(
  context: MachineContext,
  log: GenerationLog,
  number: number,
  options: { readonly digests: boolean; readonly signal?: AbortSignal | undefined },
): Promise<GenerationAnswer> {
  try {
    return { answer: 'complete', ...(await readGeneration(context, log, number, options)) };
  } catch (error) {
    if (!isColdpatchError(error, 'generation_altered', 'generation_unknown', 'file_unreadable')) throw error;
    return { answer: 'altered', number, detail: error.message };
  }
}

function deletedOf({ entries }: GenerationLog, { id }: Machine): ReadonlySet<number> {
  const deleted = entries.filter(({ machine, event }) => machine === id && event === 'deleted');
  return new Set(deleted.map(({ generation }) => generation));
}

function readManifest({ key }: MachineContext, text: string, where: string): Manifest {
  try {
    return manifestOf(verifyStatement(text, [key.publicKey], where), where);
  } catch (error) {
    if (!isColdpatchError(error, 'signature_invalid')) throw error;
    throw new ColdpatchError('generation_altered', error.message, { cause: error });
  }
}

async function readManifestText(path: string, number: number): Promise<string> {
  try {
    const size = lstatSync(path).size;
    if (size > largestManifest) throw altered(number, `its manifest has ${size} bytes`);
    return await readFile(path, 'utf8');
  } catch (error) {
    if (!hasErrorCode(error, 'ENOENT')) throw error;
    throw new ColdpatchError(
      'generation_unknown',
      `Expected generation ${number} at ${path}, but it is not there. "coldpatch generations list" shows those that are.`,
      { cause: error },
    );
  }
}

async function assertNames(
  { machine, state }: MachineContext,
  number: number,
  { members, problems }: Manifest,
): Promise<void> {
  const files = generationFilesOf(machine);
  const directories = new Map<string, string[]>([[generationDirectory(state, number), []]]);
  for (const { name } of members) {
    const file = files.find((one) => one.name === name);
    if (!file) throw altered(number, `it has the member ${name}, and the machine has none of that name`);
    const own = isBesideDisk(file)
      ? besideDirectory(machine, file, String(number))
      : generationDirectory(state, number);
    directories.set(own, [...(directories.get(own) ?? []), name]);
  }
  const lacking = files.find(({ name, required }) => required && !members.some((one) => one.name === name));
  if (lacking && problems.length === 0) {
    throw altered(number, `it has no ${lacking.name}`);
  }
  for (const [directory, expected] of directories) {
    const found = await namesIn(directory);
    const missing = expected.find((name) => !found.includes(name));
    if (missing !== undefined) throw altered(number, `${missing} is missing in ${directory}`);
    const extra = found.find((name) => !expected.includes(name) && !attachments.includes(name));
    if (extra !== undefined) throw altered(number, `${extra} in ${directory} does not belong to it`);
  }
}

function pathOf({ machine, state }: MachineContext, number: number, name: string): string {
  const file = generationFilesOf(machine).find((one) => one.name === name);
  return file ? keptPath(state, machine, number, file) : join(generationDirectory(state, number), name);
}

function altered(number: number, found: string): ColdpatchError {
  return new ColdpatchError(
    'generation_altered',
    `Expected generation ${number} as it was taken, but ${found}. It is not used; choose another generation.`,
  );
}
