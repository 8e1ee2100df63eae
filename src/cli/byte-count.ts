import { ColdpatchError } from '../lib/errors.ts';

/** Bytes from an argument: `500M`, `20G`, digits alone. @throws ColdpatchError `usage`. */
export function byteCount(text: string): number {
  const [, digits, unit = ''] = /^(\d{1,12})([KMGT]?)$/.exec(text) ?? [];
  if (digits !== undefined) return Number(digits) * 1024 ** ' KMGT'.indexOf(unit || ' ');
  throw new ColdpatchError('usage', `Expected a number of bytes such as 500M or 20G, but found "${text}".`);
}
