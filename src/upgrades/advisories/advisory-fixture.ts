/** What tests of formats of advisories need; nothing else imports it. */
import fc from 'fast-check';
import { isColdpatchError } from '../../lib/errors.ts';
import type { AdvisoryFormat, AdvisoryRecord, Statement, VulnerabilityFact } from './types.ts';

/** The bytes of a text in parts of `size`. */
export async function* inParts(text: string | Uint8Array, size = 65_536): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}

/** Everything that comes, in order. */
export async function collect<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

export async function readRecords(
  format: AdvisoryFormat,
  text: string | Uint8Array,
  size?: number,
): Promise<readonly AdvisoryRecord[]> {
  return collect(format.read(inParts(text, size)));
}

export async function readStatements(format: AdvisoryFormat, text: string): Promise<readonly Statement[]> {
  return (await readRecords(format, text)).flatMap((record) =>
    record.kind === 'statement' ? [record.statement] : [],
  );
}

export async function readFacts(format: AdvisoryFormat, text: string): Promise<readonly VulnerabilityFact[]> {
  return (await readRecords(format, text)).flatMap((record) => (record.kind === 'fact' ? [record.fact] : []));
}

/** A feed that was altered anywhere or cut off is read or refused by its own error, and never anything else. */
export async function expectOnlyRefusals(format: AdvisoryFormat, text: string): Promise<void> {
  const original = Buffer.from(text);
  const change = fc.record({ at: fc.nat(original.length - 1), byte: fc.integer({ min: 0, max: 255 }) });
  await fc.assert(
    fc.asyncProperty(
      fc.array(change, { maxLength: 4 }),
      fc.nat(original.length),
      fc.boolean(),
      async (changes, length, isCut) => {
        const bytes = Buffer.from(original);
        for (const { at, byte } of changes) bytes[at] = byte;
        try {
          await readRecords(format, isCut ? bytes.subarray(0, length) : bytes, 100);
        } catch (error) {
          if (!isColdpatchError(error, 'advisories_invalid')) throw error;
        }
      },
    ),
    { numRuns: 150 },
  );
}
