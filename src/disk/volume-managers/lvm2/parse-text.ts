import { ColdpatchError } from '../../../lib/errors.ts';
import { quote } from '../../quote.ts';
import { volumeCorrupt } from '../volume-errors.ts';
import { deepestText, mostTextValues } from './layout.ts';

export type TextValue = number | string | readonly TextValue[] | TextSection;
/** Sections and values by their names, in the order of the text. */
export type TextSection = ReadonlyMap<string, TextValue>;

/**
 * LVM's configuration language, as lvm.conf(5) and `vgcfgbackup` write it: `name = value` and `name { ... }`.
 * @throws ColdpatchError `volume_corrupt`, `limit_exceeded`.
 */
export function parseText(text: string): TextSection {
  const cursor = startCursor(text);
  const section = parseSection(cursor, 0);
  if (cursor.next() !== '') throw unexpected(cursor, 'the end');
  return section;
}

interface Cursor {
  /** The next character that is neither space nor comment; empty at the end. */
  next(): string;
  take(): void;
  /** Matches a sticky pattern here and steps over it. */
  match(pattern: RegExp): string | undefined;
  quoted(): string;
  countValue(): void;
  readonly place: number;
}

const namePattern = /[\w.+-]{1,256}/y;
const numberPattern = /-?[0-9]{1,20}(?:\.[0-9]{1,20})?/y;
const space = new Set([' ', '\t', '\n', '\r']);

function startCursor(text: string): Cursor {
  let at = 0;
  let values = 0;
  return {
    get place() {
      return at;
    },
    next() {
      for (;;) {
        while (space.has(text.charAt(at))) at += 1;
        if (text.charAt(at) !== '#') return text.charAt(at);
        const end = text.indexOf('\n', at);
        at = end === -1 ? text.length : end;
      }
    },
    take() {
      at += 1;
    },
    match(pattern) {
      pattern.lastIndex = at;
      const found = pattern.exec(text)?.[0];
      at += found?.length ?? 0;
      return found;
    },
    quoted() {
      const start = at + 1;
      for (at = start; at < text.length && text.charAt(at) !== '"'; at += 1) {
        if (text.charAt(at) === '\\') at += 1;
      }
      if (at >= text.length)
        throw volumeCorrupt("Expected a quotation mark before the end of LVM's metadata.");
      at += 1;
      return text.slice(start, at - 1).replace(/\\(["\\])/g, '$1');
    },
    countValue() {
      values += 1;
      if (values > mostTextValues) {
        throw new ColdpatchError(
          'limit_exceeded',
          `Expected at most ${mostTextValues} values in LVM's metadata, found more.`,
        );
      }
    },
  };
}

function parseSection(cursor: Cursor, depth: number): TextSection {
  if (depth > deepestText) {
    throw new ColdpatchError('limit_exceeded', `Expected at most ${deepestText} levels in LVM's metadata.`);
  }
  const section = new Map<string, TextValue>();
  for (;;) {
    const next = cursor.next();
    if (next === '' || next === '}') return section;
    const name = next === '"' ? cursor.quoted() : cursor.match(namePattern);
    if (name === undefined) throw unexpected(cursor, 'a name');
    if (section.has(name))
      throw volumeCorrupt(`Expected ${quote(name)} once in a section of LVM's metadata.`);
    cursor.countValue();
    section.set(name, parseAssigned(cursor, depth));
  }
}

function parseAssigned(cursor: Cursor, depth: number): TextValue {
  const sign = cursor.next();
  if (sign !== '=' && sign !== '{') throw unexpected(cursor, '"=" or "{"');
  cursor.take();
  if (sign === '=') return parseValue(cursor, depth);
  const section = parseSection(cursor, depth + 1);
  if (cursor.next() !== '}') throw unexpected(cursor, '"}"');
  cursor.take();
  return section;
}

function parseValue(cursor: Cursor, depth: number): TextValue {
  cursor.countValue();
  const next = cursor.next();
  if (next === '[') {
    cursor.take();
    return parseArray(cursor, depth + 1);
  }
  if (next === '"') return cursor.quoted();
  const digits = cursor.match(numberPattern);
  if (digits === undefined) throw unexpected(cursor, 'a value');
  return Number(digits);
}

function parseArray(cursor: Cursor, depth: number): readonly TextValue[] {
  if (depth > deepestText) {
    throw new ColdpatchError('limit_exceeded', `Expected at most ${deepestText} levels in LVM's metadata.`);
  }
  const values: TextValue[] = [];
  while (cursor.next() !== ']') {
    values.push(parseValue(cursor, depth));
    if (cursor.next() === ',') cursor.take();
    else if (cursor.next() !== ']') throw unexpected(cursor, '"," or "]"');
  }
  cursor.take();
  return values;
}

function unexpected(cursor: Cursor, expected: string): ColdpatchError {
  const found = cursor.next();
  const what = found === '' ? 'its end' : quote(found);
  return volumeCorrupt(
    `Expected ${expected} at character ${cursor.place} of LVM's metadata, but found ${what}.`,
  );
}
