/**
 * The log of all generations of this host: one line for each event, each signed, each with the digest of the line before.
 * It is outside the directories of the machines, so that a generation that vanished, or came back, is noticed.
 */
import { createHash, type KeyObject, sign, verify } from 'node:crypto';
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { syncDirectory, syncFile } from '../../lib/durable-file.ts';
import { ColdpatchError } from '../../lib/errors.ts';
import { hasErrorCode } from '../../lib/has-error-code.ts';
import { asHostSpaceError } from '../../lib/host-space-error.ts';
import { type HostState, lockHostState } from '../definitions/host-state.ts';
import type { ServiceKey } from '../signing/service-key.ts';

const digest = z.string().regex(/^[0-9a-f]{64}$/);

const entrySchema = z.strictObject({
  number: z.number().int().positive(),
  /** SHA-256 of the line before; null in the first. */
  previous: digest.nullable(),
  at: z.iso.datetime(),
  machine: z.uuid(),
  name: z.string(),
  /** `imported`: a generation of another host, and so no state that this machine had. */
  event: z.enum(['taken', 'imported', 'rolled_back', 'deleted', 'promoted']),
  generation: z.number().int().positive(),
  /** SHA-256 of the generation's signed manifest. */
  manifest: digest,
  /** Of a rollback: the generation that the replaced state became. */
  kept: z.number().int().positive().nullable(),
  /** Of a promotion, right after the generation: the members that are others now. */
  members: z.array(z.strictObject({ name: z.string(), sha256: digest })).optional(),
});

export type LogEntry = Readonly<z.infer<typeof entrySchema>>;

export type LogEvent = Omit<LogEntry, 'number' | 'previous'>;

export interface GenerationLog {
  readonly entries: readonly LogEntry[];
  /** SHA-256 of each line. */
  readonly digests: readonly string[];
  /** Bytes of the whole lines; a line that a power cut left unfinished comes after. */
  readonly length: number;
}

/** @throws ColdpatchError `generation_log_broken` when a line is missing, moved, changed or not signed by us. */
export async function readLog(host: HostState, publicKey: KeyObject): Promise<GenerationLog> {
  const bytes = await readOrEmpty(host.log);
  const length = bytes.lastIndexOf('\n') + 1;
  const lines = bytes.toString('utf8', 0, length).split('\n').slice(0, -1);
  const entries: LogEntry[] = [];
  const digests: string[] = [];
  for (const line of lines) {
    const entry = entryOf(line, publicKey);
    if (entry?.number !== entries.length + 1 || entry.previous !== (digests.at(-1) ?? null)) {
      throw new ColdpatchError(
        'generation_log_broken',
        `Expected entry ${entries.length + 1} of ${host.log} to be signed by this host and to follow the one before, ` +
          'but it does not: the log was cut or changed. Put it back from a backup.',
      );
    }
    entries.push(entry);
    digests.push(digestOf(line));
  }
  return { entries, digests, length };
}

/** Whether a generation counts from an entry on. */
export function isArrival({ event }: LogEntry): boolean {
  return event === 'taken' || event === 'imported';
}

/** The entry from which on a generation counts. */
export function arrivalOf(
  { entries }: Pick<GenerationLog, 'entries'>,
  machine: string,
  generation: number,
): LogEntry | undefined {
  return entries.find(
    (entry) => entry.machine === machine && isArrival(entry) && entry.generation === generation,
  );
}

/** Adds an event, durably, unless the log has it already. */
export async function logEvent(host: HostState, key: ServiceKey, event: LogEvent): Promise<void> {
  await using _lock = await lockHostState(host);
  const { entries, digests, length } = await readLog(host, key.publicKey);
  if (entries.some((entry) => isSameEvent(entry, event))) {
    // A run that was killed right after it had written the entry has not synced it; its name was when the host's state was opened.
    await syncFile(host.log);
    return;
  }
  const entry: LogEntry = entrySchema.parse({
    number: entries.length + 1,
    previous: digests.at(-1) ?? null,
    ...event,
  });
  const text = JSON.stringify(entry);
  const line = `${sign(null, Buffer.from(text), key.privateKey).toString('base64url')} ${text}\n`;
  try {
    await appendAt(host.log, length, line);
  } catch (error) {
    throw asHostSpaceError(error, host.path);
  }
}

function isSameEvent(entry: LogEvent, event: LogEvent): boolean {
  return (
    entry.machine === event.machine &&
    entry.event === event.event &&
    entry.generation === event.generation &&
    entry.manifest === event.manifest &&
    entry.kept === event.kept
  );
}

async function appendAt(path: string, position: number, line: string): Promise<void> {
  const file = await openOrMake(path);
  try {
    await file.truncate(position);
    await writeWhole(file, Buffer.from(line), position);
    await file.sync();
  } finally {
    await file.close();
  }
  await syncDirectory(dirname(path));
}

/** A filesystem that is nearly full takes a part, and says why only when it is asked to take the rest. */
async function writeWhole(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  try {
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
      done += bytesWritten;
    }
  } catch (error) {
    await file.truncate(position);
    throw error;
  }
}

async function openOrMake(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r+');
  } catch (error) {
    if (!hasErrorCode(error, 'ENOENT')) throw error;
    return open(path, 'wx+', 0o600);
  }
}

function entryOf(line: string, publicKey: KeyObject): LogEntry | undefined {
  const blank = line.indexOf(' ');
  const text = line.slice(blank + 1);
  const signature = Buffer.from(line.slice(0, Math.max(0, blank)), 'base64url');
  if (!verify(null, Buffer.from(text), publicKey, signature)) return undefined;
  return entrySchema.safeParse(JSON.parse(text)).data;
}

export function digestOf(text: string | Buffer): string {
  return createHash('sha256').update(text).digest('hex');
}

async function readOrEmpty(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return Buffer.alloc(0);
    throw error;
  }
}
