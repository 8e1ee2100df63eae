import { chown, mkdir, open } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { confine } from '../../appliance/machine/confine.ts';
import { ColdpatchError } from '../../lib/errors.ts';
import { hasErrorCode } from '../../lib/has-error-code.ts';
import { openSocket } from '../../lib/open-socket.ts';
import { type StartedProgram, startProgram } from '../../lib/start-program.ts';
import type { Vtpm } from '../definitions/machine.ts';
import { copyImage } from '../copy-image.ts';
import { isEncrypted } from '../vtpm/is-encrypted.ts';
import { type OpenedKey, openKey } from '../vtpm/open-key.ts';
import { directoryFiles } from '../vtpm/state-files.ts';

export interface VtpmCloneOptions {
  readonly vtpm: Vtpm;
  /** A copy of the permanent state; itself copied, and never changed. */
  readonly state: string;
  /** A directory that does not exist; made, and removed by the caller. */
  readonly directory: string;
  readonly confinement: Awaited<ReturnType<typeof confine>>;
  readonly signal: AbortSignal;
}

export interface StartedVtpm {
  readonly program: StartedProgram;
  /** Whom QEMU gives its commands. Given away, then destroyed on our side. */
  readonly control: Socket;
}

const startSeconds = 120;

/**
 * Starts a real swtpm on a copy of a state, with the same confinement as QEMU: it reads the words of a hostile guest.
 *
 * @throws ColdpatchError `vtpm_broken`, `vtpm_key`, `host_tool_missing`.
 */
export async function startVtpm({
  vtpm,
  state,
  directory,
  confinement,
  signal,
}: VtpmCloneOptions): Promise<StartedVtpm> {
  const name = vtpm.backend === 'file' ? 'vtpm' : directoryFiles[0];
  const clone = join(directory, name);
  await mkdir(directory, { mode: 0o700 });
  await copyImage(state, clone);
  if (confinement.user) {
    for (const path of [directory, clone]) await chown(path, confinement.user.id, confinement.user.id);
  }
  await using key = await keyOf(vtpm, clone);
  const program = await startProgram({
    file: 'swtpm',
    args: [
      ['socket', '--tpm2', '--terminate', '--ctrl', 'type=unixio,path=control'],
      ['--tpmstate', vtpm.backend === 'file' ? 'backend-uri=file://vtpm' : 'dir=.'],
      key?.args ?? [],
    ].flat(),
    workingDirectory: directory,
    descriptors: key ? [key.descriptor] : [],
    ...(confinement.before && { before: confinement.before }),
    ...(confinement.user && { user: { id: confinement.user.id, groups: [] } }),
    ready: { poll: () => Promise.resolve(true) },
    startTimeoutSeconds: startSeconds,
    signal,
  });
  try {
    return { program, control: await connectTo(program, signal) };
  } catch (error) {
    await program.stop('SIGKILL');
    throw error;
  }
}

async function keyOf({ key }: Vtpm, clone: string): Promise<OpenedKey | undefined> {
  await using file = await open(clone);
  if (!isEncrypted(await file.readFile(), clone)) return undefined;
  if (!key) {
    throw new ColdpatchError(
      'vtpm_key',
      'Expected a state of the vTPM that is not encrypted, but it is. Add the machine again with --tpm-key.',
    );
  }
  return await openKey(key);
}

/** A path through the process is short, however long the directory's is: sun_path takes 107 bytes. */
async function connectTo(program: StartedProgram, signal: AbortSignal): Promise<Socket> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(startSeconds * 1000)]);
  let ended = false;
  void program.exited.then(() => {
    ended = true;
  });
  while (!deadline.aborted && !ended) {
    try {
      return await openSocket(`/proc/${program.pid}/cwd/control`);
    } catch (error) {
      if (!hasErrorCode(error, 'ENOENT', 'ECONNREFUSED')) throw error;
    }
    await delay(20);
  }
  signal.throwIfAborted();
  throw new ColdpatchError(
    'vtpm_broken',
    `Expected swtpm to start on a copy of the state of the vTPM, but it did not: ${program.lastWords() || 'no words'}. ` +
      'The state is damaged, or needs another key.',
  );
}
