import { ColdpatchError } from '../lib/errors.ts';

/** A whole number from an argument. @throws ColdpatchError `usage`. */
export function wholeNumber(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new ColdpatchError('usage', `Expected a whole number, but found "${text}".`);
}
