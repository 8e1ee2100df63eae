import { lstatSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileDurably } from '../../lib/durable-file.ts';
import { hasErrorCode } from '../../lib/has-error-code.ts';
import { generationDirectory } from '../generations/generation-paths.ts';
import { verifyStatement } from '../signing/statement.ts';
import type { VtpmCounters } from '../vtpm/tpm-commands.ts';
import { ancestorsOf } from './ancestors.ts';
import { digestOf, type GenerationLog } from './log.ts';
import { type Manifest, manifestName, manifestOf } from './manifest.ts';
import type { MachineContext } from './read-generation.ts';

/** The last state of a machine that coldpatch knows: what every later one comes from, unless somebody put files back. */
export interface LastState {
  /** The generation with this state, which may be deleted by now. */
  readonly generation: number;
  /** SHA-256 by the names of the members; of a disk that was updated since, what the promotion left. */
  readonly digests: ReadonlyMap<string, string>;
  readonly counters: VtpmCounters | undefined;
  /** The generations that it comes from, itself included. */
  readonly ancestors: ReadonlySet<number>;
}

const lastManifestName = 'last-manifest.dsse.json';
const largestManifest = 8 * 1024 * 1024;

/**
 * Finds the last state by the log: the generation taken last, or rolled back to since, with what was promoted after it.
 * Generations that were imported are no state of this machine.
 * Undefined before the first generation, and when the manifests that the log names are all gone or altered.
 */
export async function readLastState(
  context: MachineContext,
  log: GenerationLog,
): Promise<LastState | undefined> {
  const promoted = new Map<string, string>();
  for (const entry of log.entries.toReversed()) {
    if (entry.machine !== context.machine.id || entry.event === 'deleted' || entry.event === 'imported')
      continue;
    if (entry.event === 'promoted') {
      for (const { name, sha256 } of entry.members ?? []) {
        if (!promoted.has(name)) promoted.set(name, sha256);
      }
      continue;
    }
    const found = await readLogged(context, entry.generation, entry.manifest);
    // Earlier versions logged an import as taken.
    if (!found || (found.manifest.cause === 'import' && entry.event === 'taken')) continue;
    const { members, vtpm, generation } = found.manifest;
    const digests = new Map([...members.map(({ name, sha256 }) => [name, sha256] as const), ...promoted]);
    const ancestors = ancestorsOf(log, context.machine.id);
    return { generation, digests, counters: vtpm?.counters, ancestors };
  }
  return undefined;
}

/** Before a generation is deleted: keeps its manifest, if it is the last state, so that what is put back later is still noticed. */
export async function keepLastManifest(
  context: MachineContext,
  log: GenerationLog,
  generation: number,
): Promise<void> {
  const last = await readLastState(context, log);
  if (last?.generation !== generation) return;
  const path = join(generationDirectory(context.state, generation), manifestName);
  const text = await readText(path);
  if (text !== undefined) await writeFileDurably(join(context.state.path, lastManifestName), text, 0o600);
}

async function readLogged(
  { state, key }: MachineContext,
  generation: number,
  digest: string,
): Promise<{ readonly manifest: Manifest } | undefined> {
  const paths = [
    join(generationDirectory(state, generation), manifestName),
    join(state.path, lastManifestName),
  ];
  for (const path of paths) {
    const text = await readText(path);
    if (text === undefined || digestOf(text) !== digest) continue;
    return { manifest: manifestOf(verifyStatement(text, [key.publicKey], path), path) };
  }
  return undefined;
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return lstatSync(path).size > largestManifest ? undefined : await readFile(path, 'utf8');
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}
