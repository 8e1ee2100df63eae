import { quote } from '../../quote.ts';
import { volumeCorrupt } from '../volume-errors.ts';
import type { TextSection, TextValue } from './parse-text.ts';

/** A whole number that is not negative and is exact. */
export function numberIn(section: TextSection, name: string): number {
  const value = section.get(name);
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw wrong(name, 'a number');
  return value;
}

export function textIn(section: TextSection, name: string): string {
  const value = section.get(name);
  if (typeof value !== 'string') throw wrong(name, 'text');
  return value;
}

export function sectionIn(section: TextSection, name: string): TextSection {
  const value = section.get(name);
  if (!isSection(value)) throw wrong(name, 'a section');
  return value;
}

export function listIn(section: TextSection, name: string): readonly TextValue[] {
  const value = section.get(name);
  if (!Array.isArray(value)) throw wrong(name, 'a list');
  return value as readonly TextValue[];
}

/** The words of a list; one that is absent has none. */
export function wordsIn(section: TextSection, name: string): readonly string[] {
  return section.has(name) ? listIn(section, name).filter((value) => typeof value === 'string') : [];
}

export function isSection(value: TextValue | undefined): value is TextSection {
  return value instanceof Map;
}

function wrong(name: string, expected: string): Error {
  return volumeCorrupt(`Expected ${quote(name)} of LVM's metadata to be ${expected}, but it is not.`);
}
