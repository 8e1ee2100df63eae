import * as layout from './layout.ts';
import type { HiveKey } from './types.ts';

/** A text longer than this is no name or version of anything. */
const longestText = 1000;

/** A text of a key up to its first NUL, 1000 characters at most; undefined when there is none. */
export function textOf(key: HiveKey, name: string): string | undefined {
  const value = key.value(name);
  if (value?.type !== layout.valueTypes.text && value?.type !== layout.valueTypes.expandableText)
    return undefined;
  const bytes = value.bytes();
  const text = Buffer.from(bytes.subarray(0, 2 * longestText)).toString('utf16le');
  const [upToNul = ''] = text.split('\0');
  return upToNul.trim();
}

/** A number of a key, below 2^53; undefined when there is none. */
export function numberOf(key: HiveKey, name: string): number | undefined {
  const value = key.value(name);
  if (value === undefined) return undefined;
  const bytes = Buffer.from(value.bytes());
  const { number, bigEndianNumber, largeNumber } = layout.valueTypes;
  if (value.type === number && bytes.length === 4) return bytes.readUInt32LE(0);
  if (value.type === bigEndianNumber && bytes.length === 4) return bytes.readUInt32BE(0);
  if (value.type !== largeNumber || bytes.length !== 8) return undefined;
  const large = bytes.readBigUInt64LE(0);
  return large > BigInt(Number.MAX_SAFE_INTEGER) ? undefined : Number(large);
}
