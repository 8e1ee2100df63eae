import { constants } from 'node:fs';
import { chown, copyFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { confine } from '../../appliance/machine/confine.ts';
import { ColdpatchError, isColdpatchError } from '../../lib/errors.ts';
import {
  EarlyEndError,
  type StartedProgram,
  type StartOptions,
  startProgram,
} from '../../lib/start-program.ts';
import { removeTree } from '../generations/remove-tree.ts';
import type { Vtpm } from '../definitions/machine.ts';
import { isEncrypted } from './is-encrypted.ts';
import { keyIdOf } from './key-id.ts';
import { type OpenedKey, openKey } from './open-key.ts';
import { directoryFiles, isThere } from './state-files.ts';
import { readCounters, type VtpmCounters } from './tpm-commands.ts';
import { connectToTpm } from './tpm-connection.ts';

/** What starting an swtpm on a copy of a state has shown. */
export interface VtpmExamination {
  readonly encrypted: boolean;
  /** Of the key that opens the state; null when it is not encrypted. */
  readonly keyId: string | null;
  readonly counters: VtpmCounters;
}

export interface ExamineVtpmOptions {
  readonly machineId: string;
  readonly vtpm: Vtpm;
  /** Copies of the state: of the files of swtpm's directory, or of its one file, which is then named `vtpm`. */
  readonly directory: string;
  /** A directory that does not exist; made, and gone afterwards. */
  readonly workDirectory: string;
  readonly signal?: AbortSignal | undefined;
}

type Confinement = Awaited<ReturnType<typeof confine>>;

const startSeconds = 120;

/**
 * Starts a real swtpm on a copy of a vTPM's state and asks it for its counters: only that shows that a state is whole.
 * A guest wrote the state, so swtpm is confined as QEMU is.
 * The given files are not changed. Starting counts as a reset in the copy, so all states that are compared count alike.
 *
 * @throws ColdpatchError `vtpm_broken`, `vtpm_key`, `host_tool_missing`.
 */
export async function examineVtpm(options: ExamineVtpmOptions): Promise<VtpmExamination> {
  const { vtpm, directory, workDirectory, machineId } = options;
  const permanent = join(directory, vtpm.backend === 'file' ? 'vtpm' : directoryFiles[0]);
  const encrypted = isEncrypted(await readFile(permanent), permanent);
  if (encrypted && !vtpm.key) {
    throw new ColdpatchError(
      'vtpm_key',
      'Expected a state of the vTPM that is not encrypted, but it is. Add the machine again with --tpm-key.',
    );
  }
  const keyId = encrypted && vtpm.key ? await keyIdOf(vtpm.key, machineId) : null;
  try {
    const confinement = await confine('tcg');
    await prepare(options, confinement);
    await using key = encrypted && vtpm.key ? await openKey(vtpm.key) : undefined;
    return { encrypted, keyId, counters: await askSwtpm(options, confinement, key) };
  } finally {
    await removeTree(workDirectory);
  }
}

async function prepare(
  { vtpm, directory, workDirectory }: ExamineVtpmOptions,
  { user }: Confinement,
): Promise<void> {
  const state = join(workDirectory, 'state');
  const made = [workDirectory, state];
  for (const path of made) await mkdir(path, { mode: 0o700 });
  const names = vtpm.backend === 'file' ? ['vtpm'] : directoryFiles;
  for (const name of names) {
    const from = join(directory, name);
    // A volatile state is taken in only by a QEMU that resumes a machine; with it swtpm would not start alone.
    if (!isThere(from) || (name !== 'vtpm' && name !== directoryFiles[0])) continue;
    await copyFile(from, join(state, name), constants.COPYFILE_EXCL);
    made.push(join(state, name));
  }
  if (!user) return;
  for (const path of made) await chown(path, user.id, user.id);
}

async function askSwtpm(
  { vtpm, workDirectory, signal }: ExamineVtpmOptions,
  confinement: Confinement,
  key: OpenedKey | undefined,
): Promise<VtpmCounters> {
  const stateOption = vtpm.backend === 'file' ? 'backend-uri=file://state/vtpm' : 'dir=state';
  const ended = new AbortController();
  const timeout = AbortSignal.any([
    AbortSignal.timeout(startSeconds * 1000),
    ended.signal,
    ...(signal ? [signal] : []),
  ]);
  const swtpm = await startSwtpm({
    file: 'swtpm',
    args: [
      'socket',
      '--tpm2',
      '--tpmstate',
      stateOption,
      '--server',
      'type=unixio,path=socket',
      '--flags',
      'not-need-init,startup-clear',
      ...(key?.args ?? []),
    ],
    workingDirectory: workDirectory,
    descriptors: key ? [key.descriptor] : [],
    ...confinement,
    ready: { poll: () => Promise.resolve(isThere(join(workDirectory, 'socket'))) },
    startTimeoutSeconds: startSeconds,
    ...(signal && { signal }),
  });
  void swtpm.exited.then(() => ended.abort(broken(swtpm.lastWords())));
  try {
    // A path through the process is short, however long the directory's is: sun_path takes 107 bytes.
    using tpm = await connectToTpm(`/proc/${swtpm.pid}/cwd/socket`, timeout);
    return await readCounters(tpm.send);
  } catch (error) {
    signal?.throwIfAborted();
    throw isColdpatchError(error) ? error : broken(swtpm.lastWords(), error);
  } finally {
    await swtpm.stop();
  }
}

async function startSwtpm(options: StartOptions): Promise<StartedProgram> {
  try {
    return await startProgram(options);
  } catch (error) {
    if (!(error instanceof EarlyEndError) || error.code === 'host_tool_missing') throw error;
    throw broken(error.lastWords, error);
  }
}

function broken(words: string, cause?: unknown): ColdpatchError {
  return new ColdpatchError(
    'vtpm_broken',
    `Expected swtpm to start on a copy of the state of the vTPM, but it did not: ${words || 'no words'}. ` +
      'The state is damaged, or needs another key. An older generation can be rolled back to.',
    { cause },
  );
}
