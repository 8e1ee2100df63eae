import type { KeyObject } from 'node:crypto';
import { lstatSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { digestFile } from '../../lib/digest-file.ts';
import { syncDirectory, syncFile, writeFileSynced } from '../../lib/durable-file.ts';
import { ColdpatchError } from '../../lib/errors.ts';
import { asHostSpaceError } from '../../lib/host-space-error.ts';
import { runProgram, runProgramOrFail } from '../../lib/run-program.ts';
import { assertFreeSpace } from '../assert-free-space.ts';
import { stagedDirectory } from '../generations/generation-paths.ts';
import { makePrivateDirectory } from '../make-private-directory.ts';
import { verifyStatement } from '../signing/statement.ts';
import { describeGeneration } from './describe-generation.ts';
import { writeMachineIntent } from './intent.ts';
import { keepPrepared, takeBackPrepared } from './keep-prepared.ts';
import { digestOf, readLog } from './log.ts';
import { type Manifest, manifestName, manifestOf, type Member } from './manifest.ts';
import {
  besideDirectory,
  diskDirectories,
  type MemberFile,
  generationFilesOf,
  isBesideDisk,
  preparedPath,
} from './member-files.ts';
import { newestParent } from './newest-parent.ts';
import { nextNumber } from './next-number.ts';
import { makeBesideDirectory } from './prepare-generation.ts';
import { type MachineContext, originName } from './read-generation.ts';
import type { SettleOptions } from './steps.ts';

const oneDay = 86_400;
const largestManifest = 8 * 1024 * 1024;
/** tar writes whole records. */
const slack = 1024 * 1024;

export interface ImportOptions extends SettleOptions {
  readonly archive: string;
  /** Of the hosts whose generations are accepted. */
  readonly keys: readonly KeyObject[];
  readonly signal?: AbortSignal | undefined;
}

/**
 * Takes in a generation that another host exported. The machine here must have the same kinds of members; their paths are its own.
 * The archive is hostile until its manifest has a good signature and every member the digest in it.
 *
 * @returns its number here.
 * @throws ColdpatchError `signature_invalid`, `transfer_invalid`, `machine_unsupported`, `vtpm_broken`, `vtpm_key`.
 */
export async function importGeneration(
  context: MachineContext,
  { archive, keys, signal, ...options }: ImportOptions,
): Promise<number> {
  const { host, machine, state, key } = context;
  const text = await readManifest(archive, signal);
  const origin = manifestOf(verifyStatement(text, keys, archive), archive);
  assertSameKind(context, origin);
  const log = await readLog(host, key.publicKey);
  const generation = await nextNumber(context, log);
  const directories = diskDirectories(machine, generation);
  await writeMachineIntent(state, { operation: 'prepare', generation, directories: [...directories] });
  try {
    await makePrivateDirectory(stagedDirectory(state, generation));
    for (const file of generationFilesOf(machine)) {
      const member = origin.members.find(({ name }) => name === file.name);
      if (member) await extract(context, generation, { archive, file, member, signal });
    }
    // The manifest comes into the same directory, durably.
    await writeFileSynced(join(stagedDirectory(state, generation), originName), text, 0o600);
    await describeGeneration(context, {
      generation,
      cause: 'import',
      reason: origin.reason,
      takenAt: new Date(origin.takenAt),
      heldSeconds: origin.heldSeconds,
      running: origin.running,
      parent: newestParent(context, log),
      origin: { manifest: digestOf(text), generation: origin.generation, machine: origin.machine.name },
      log,
      acceptProblems: false,
      signal,
    });
    await keepPrepared(context, generation, options);
    return generation;
  } catch (error) {
    await takeBackPrepared(context, generation, directories).catch(() => undefined);
    throw asHostSpaceError(error, state.path);
  }
}

async function readManifest(archive: string, signal: AbortSignal | undefined): Promise<string> {
  const { stdout, exitCode, stderr } = await runProgram({
    file: 'tar',
    args: [
      '--extract',
      '--to-stdout',
      '--occurrence=1',
      '--force-local',
      '--file',
      archive,
      '--',
      manifestName,
    ],
    timeoutSeconds: oneDay,
    maxOutputBytes: largestManifest,
    ...(signal && { signal }),
  });
  if (exitCode === 0) return stdout;
  throw invalid(archive, `tar ended with ${exitCode}: ${stderr.trim().slice(0, 500)}`);
}

function assertSameKind({ machine }: MachineContext, origin: Manifest): void {
  const files = generationFilesOf(machine);
  const strange = origin.members.find(
    (member) => !files.some(({ name, format }) => name === member.name && format === member.format),
  );
  const lacking = files.find(
    ({ name, required }) => required && !origin.members.some((member) => member.name === name),
  );
  if (!strange && !lacking && origin.problems.length === 0) return;
  throw new ColdpatchError(
    'machine_unsupported',
    `Expected a generation of a machine like ${machine.name}, but ${
      strange
        ? `it has ${strange.name} in the format ${strange.format}, and the machine has not`
        : lacking
          ? `it has no ${lacking.name}`
          : `it is not whole: ${origin.problems.join('; ')}`
    }.`,
  );
}

interface Extraction {
  readonly archive: string;
  readonly file: MemberFile;
  readonly member: Member;
  readonly signal: AbortSignal | undefined;
}

async function extract(
  { machine, state }: MachineContext,
  generation: number,
  { archive, file, member, signal }: Extraction,
): Promise<void> {
  const to = preparedPath(state, machine, generation, file);
  const directory = isBesideDisk(file)
    ? besideDirectory(machine, file, String(generation))
    : stagedDirectory(state, generation);
  if (isBesideDisk(file)) await makeBesideDirectory(directory);
  await assertFreeSpace(directory, BigInt(member.size));
  await runProgramOrFail({
    file: 'prlimit',
    args: [
      `--fsize=${member.size + slack}`,
      'tar',
      '--extract',
      '--sparse',
      '--occurrence=1',
      '--no-same-owner',
      '--no-same-permissions',
      '--force-local',
      '--file',
      archive,
      '-C',
      directory,
      '--',
      file.name,
    ],
    timeoutSeconds: oneDay,
    ...(signal && { signal }),
  });
  const status = lstatSync(to);
  if (!status.isFile() || status.nlink !== 1 || status.size !== member.size) {
    throw invalid(archive, `${file.name} is no file of ${member.size} bytes`);
  }
  await chmod(to, 0o600);
  await syncFile(to);
  await syncDirectory(directory);
  const found = await digestFile(to, signal ? { signal } : {});
  if (found !== member.sha256) throw invalid(archive, `${file.name} has the SHA-256 ${found}`);
}

function invalid(archive: string, found: string): ColdpatchError {
  return new ColdpatchError(
    'transfer_invalid',
    `Expected an exported generation in ${archive}, but ${found}. Bring it again.`,
  );
}
