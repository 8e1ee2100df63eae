/**
 * The few commands of a TPM 2.0 that show its counters. Trusted Platform Module Library, family 2.0, part 3 (commands),
 * part 2 (structures); all numbers are big-endian.
 */
import { type BinaryReader, binaryReader } from '../../lib/binary-reader.ts';
import { ColdpatchError } from '../../lib/errors.ts';

/** Sends one command and gives the whole response. */
export type SendToTpm = (command: Buffer) => Promise<Buffer>;

/** What a TPM counts, and what can only grow in a TPM that nobody put back. */
export interface VtpmCounters {
  /** How often it was reset, that is: how often the machine was started. */
  readonly resets: number;
  /** How often it was resumed since. */
  readonly restarts: number;
  /** Milliseconds in which it was switched on. */
  readonly clock: number;
  /** Counters that the machine has defined: handle in hexadecimal, value in decimal. */
  readonly nv: Readonly<Record<string, string>>;
}

const noSessions = 0x8001;
const withSessions = 0x8002;
const headerBytes = 10;
const command = { getCapability: 0x17a, nvRead: 0x14e, nvReadPublic: 0x169, readClock: 0x181 } as const;
const handlesCapability = 1;
const firstNvIndex = 0x01000000;
const mostIndices = 200;
const ownerHandle = 0x40000001;
const passwordSession = 0x40000009;
const counterType = 1;
const attribute = { ownerRead: 1 << 17, authRead: 1 << 18, written: 1 << 29 } as const;
const counterBytes = 8;

/** @throws ColdpatchError `vtpm_broken` when the TPM is in failure mode or answers something else. */
export async function readCounters(send: SendToTpm): Promise<VtpmCounters> {
  const clock = await mustSucceed(send, command.readClock, Buffer.alloc(0));
  const nv: Record<string, string> = {};
  for (const index of await nvIndices(send)) {
    const value = await readCounter(send, index);
    if (value !== undefined) nv[index.toString(16)] = String(value);
  }
  return { clock: Number(clock.u64(8)), resets: clock.u32(16), restarts: clock.u32(20), nv };
}

async function nvIndices(send: SendToTpm): Promise<readonly number[]> {
  const answer = await mustSucceed(
    send,
    command.getCapability,
    numbers(handlesCapability, firstNvIndex, mostIndices),
  );
  const count = Math.min(answer.u32(5), mostIndices);
  return Array.from({ length: count }, (_, position) => answer.u32(9 + 4 * position));
}

/** Undefined for what is no counter, was never counted, or cannot be read without a password. */
async function readCounter(send: SendToTpm, index: number): Promise<bigint | undefined> {
  const known = await mustSucceed(send, command.nvReadPublic, numbers(index));
  const attributes = known.u32(8);
  const isCounter = ((attributes >>> 4) & 0xf) === counterType;
  const mayRead = (attributes & (attribute.ownerRead | attribute.authRead)) !== 0;
  if (!isCounter || !mayRead || (attributes & attribute.written) === 0) return undefined;
  const authority = (attributes & attribute.ownerRead) === 0 ? index : ownerHandle;
  const emptyPassword = Buffer.concat([numbers(9, passwordSession), Buffer.alloc(5)]);
  const size = Buffer.from([0, counterBytes, 0, 0]);
  const { code, rest } = await ask(
    send,
    command.nvRead,
    Buffer.concat([numbers(authority, index), emptyPassword, size]),
    withSessions,
  );
  if (code !== 0) return undefined;
  return rest.u64(4 + 2);
}

async function mustSucceed(send: SendToTpm, number: number, parameters: Buffer): Promise<BinaryReader> {
  const { code, rest } = await ask(send, number, parameters, noSessions);
  if (code === 0) return rest;
  throw broken(`answered command 0x${number.toString(16)} with 0x${code.toString(16)}`);
}

async function ask(
  send: SendToTpm,
  number: number,
  parameters: Buffer,
  tag: number,
): Promise<{ readonly code: number; readonly rest: BinaryReader }> {
  const header = Buffer.alloc(headerBytes);
  header.writeUInt16BE(tag, 0);
  header.writeUInt32BE(headerBytes + parameters.length, 2);
  header.writeUInt32BE(number, 6);
  const answer = await send(Buffer.concat([header, parameters]));
  if (answer.length < headerBytes) throw broken(`answered with ${answer.length} bytes`);
  return {
    code: answer.readUInt32BE(6),
    rest: binaryReader(answer.subarray(headerBytes), {
      order: 'big',
      code: 'vtpm_broken',
      what: 'an answer of the TPM',
    }),
  };
}

function numbers(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, position) => bytes.writeUInt32BE(value, 4 * position));
  return bytes;
}

function broken(found: string): ColdpatchError {
  return new ColdpatchError('vtpm_broken', `Expected a virtual TPM that works, but it ${found}.`);
}
