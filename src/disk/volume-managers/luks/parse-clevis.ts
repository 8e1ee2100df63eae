import { quote } from '../../quote.ts';
import { type Binding, plainBinding } from '../binding.ts';
import { bankOf } from './bank-of.ts';
import { isJsonObject, type JsonObject, parseJsonObject } from './json.ts';

const deepestPin = 3;
const mostPins = 8;
const mostRegisters = 24;

/**
 * The pins that a JWE of clevis names in its protected header; more than one when they share a secret.
 * @param header the first part of the JWE, in base64url.
 * @throws ColdpatchError `volume_corrupt`.
 */
export function parseClevis(header: string, depth = 0): readonly Binding[] {
  const text = Buffer.from(header, 'base64url').toString('utf8');
  const { clevis } = parseJsonObject(text, "the header of clevis' token");
  if (!isJsonObject(clevis)) return [plainBinding('clevis')];
  const pin = typeof clevis['pin'] === 'string' ? clevis['pin'] : 'of an unknown kind';
  const known = pin === 'tpm2' || pin === 'tang' || pin === 'sss';
  const settings = known && isJsonObject(clevis[pin]) ? clevis[pin] : {};
  const shares = pin === 'sss' && depth < deepestPin ? parseShares(settings, depth) : [];
  const url = pin === 'tang' && typeof settings['url'] === 'string' ? quote(settings['url']) : undefined;
  const kind = known ? `clevis ${pin}` : `clevis ${quote(pin)}`;
  const registers = pin === 'tpm2' ? parseRegisters(settings['pcr_ids']) : [];
  const bank = registers.length > 0 ? bankOf(settings['pcr_bank']) : undefined;
  const binding = {
    ...plainBinding(kind),
    registers,
    ...(bank !== undefined && { bank }),
    ...(url !== undefined && { url }),
  };
  return [binding, ...shares];
}

/** Shamir's secret sharing: a JWE for each pin inside. */
function parseShares(settings: JsonObject, depth: number): readonly Binding[] {
  const shares = Array.isArray(settings['jwe']) ? settings['jwe'].slice(0, mostPins) : [];
  return shares
    .filter((share): share is string => typeof share === 'string')
    .flatMap((share) => parseClevis(share.split('.', 1)[0] as string, depth + 1));
}

/** `"7,11"`, or a list of numbers. */
export function parseRegisters(value: unknown): readonly number[] {
  const words: readonly unknown[] =
    typeof value === 'string' ? value.slice(0, 256).split(',') : Array.isArray(value) ? value : [];
  const numbers = words
    .slice(0, mostRegisters)
    .map((word) => (typeof word === 'string' ? Number.parseInt(word, 10) : word))
    .filter(
      (word): word is number => Number.isInteger(word) && (word as number) >= 0 && (word as number) < 32,
    );
  return [...new Set(numbers)].toSorted((a, b) => a - b);
}
