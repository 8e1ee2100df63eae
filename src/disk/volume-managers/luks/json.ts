import { volumeCorrupt } from '../volume-errors.ts';

/** An object of JSON, whose members are of any kind. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** @throws ColdpatchError `volume_corrupt`. */
export function parseJsonObject(text: string, what: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw volumeCorrupt(`Expected JSON in ${what}, but found something else${causeOf(error)}.`);
  }
  if (!isJsonObject(value)) throw volumeCorrupt(`Expected an object in ${what}, but found something else.`);
  return value;
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The members of `value` that are objects themselves, `most` at most. */
export function objectsIn(value: unknown, most: number): readonly JsonObject[] {
  return isJsonObject(value) ? Object.values(value).slice(0, most).filter(isJsonObject) : [];
}

function causeOf(error: unknown): string {
  return error instanceof RangeError ? ' (it is nested too deeply)' : '';
}
