import { ColdpatchError } from '../../../lib/errors.ts';

/** One paragraph of a deb822(5) file. */
export interface Stanza {
  /** As it stands in the file, without the empty lines around it. */
  readonly text: string;
  /**
   * The value of a field, or undefined; names are compared without case, and the first of two wins.
   * Surrounding blanks are gone from every line; the lines of a longer value are joined by `\n`.
   */
  get(field: string): string | undefined;
  /** All fields, by their names in lower case. */
  fields(): ReadonlyMap<string, string>;
}

export interface Deb822Limits {
  /** Bytes of one paragraph; 4 MiB unless given. */
  readonly stanzaBytes?: number;
  /** 500,000 unless given. */
  readonly stanzas?: number;
}

const newline = 0x0a;
const nameShape = /^[!-9;-~]+$/;

/**
 * The paragraphs of a deb822(5) file, one after the other, with fields looked up only when asked for.
 * For dpkg's status, and for Packages, Release and *.sources files. Lines that are neither a field, a continuation
 * nor a comment are passed over.
 *
 * @throws `limit_exceeded`
 */
export function* parseDeb822(bytes: Uint8Array, limits: Deb822Limits = {}): Generator<Stanza> {
  const { stanzaBytes = 4 * 1024 * 1024, stanzas = 500_000 } = limits;
  const buffer = withPlainLineEnds(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  let start = 0;
  for (let count = 0; ; count += 1) {
    while (buffer[start] === newline) start += 1;
    if (start >= buffer.length) return;
    const end = buffer.indexOf('\n\n', start, 'latin1');
    const stop = end === -1 ? buffer.length : end;
    if (count === stanzas) throw tooMuch(`at most ${stanzas} paragraphs`, 'there are more');
    if (stop - start > stanzaBytes) throw tooMuch(`at most ${stanzaBytes} bytes`, `one has ${stop - start}`);
    yield stanzaOf(buffer.toString('utf8', start, stop));
    start = stop + 1;
  }
}

function stanzaOf(text: string): Stanza {
  let indexed: ReadonlyMap<string, string> | undefined;
  const fields = (): ReadonlyMap<string, string> => (indexed ??= indexFields(text));
  return {
    text,
    fields,
    get(field) {
      if (indexed === undefined) {
        const start = text.startsWith(`${field}:`) ? 0 : text.indexOf(`\n${field}:`) + 1;
        if (start > 0 || text.startsWith(`${field}:`)) return valueAt(text, start + field.length + 1);
      }
      return fields().get(field.toLowerCase());
    },
  };
}

function indexFields(text: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  let start = 0;
  while (start < text.length) {
    const lineEnd = endOfLine(text, start);
    const colon = text.indexOf(':', start);
    if (colon > start && colon < lineEnd && isNameStart(text.charCodeAt(start))) {
      const name = text.slice(start, colon).toLowerCase();
      if (nameShape.test(name) && !fields.has(name)) fields.set(name, valueAt(text, colon + 1));
    }
    start = lineEnd + 1;
  }
  return fields;
}

/** The value that begins at `start`, with its continuation lines. */
function valueAt(text: string, start: number): string {
  let end = endOfLine(text, start);
  if (!isBlank(text.charCodeAt(end + 1)) && text.charCodeAt(end + 1) !== 0x23) {
    return text.slice(start, end).trim();
  }
  const lines = [text.slice(start, end).trim()];
  while (end < text.length) {
    const next = end + 1;
    const first = text.charCodeAt(next);
    if (!isBlank(first) && first !== 0x23) break;
    end = endOfLine(text, next);
    if (isBlank(first)) lines.push(text.slice(next, end).trim());
  }
  return lines.join('\n');
}

function endOfLine(text: string, start: number): number {
  const end = text.indexOf('\n', start);
  return end === -1 ? text.length : end;
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** Not a blank, `#` or `-`, which deb822(5) keeps for continuations, comments and signatures. */
function isNameStart(code: number): boolean {
  return code > 0x20 && code !== 0x23 && code !== 0x2d;
}

/** Files written by hand may have carriage returns, or blanks in their empty lines. */
function withPlainLineEnds(buffer: Buffer): Buffer {
  const byHand = buffer.includes('\r') || buffer.includes('\n \n') || buffer.includes('\n\t\n');
  if (!byHand) return buffer;
  return Buffer.from(
    buffer
      .toString('latin1')
      .replace(/\r+$/gm, '')
      .replace(/^[ \t]+$/gm, ''),
    'latin1',
  );
}

function tooMuch(expected: string, found: string): ColdpatchError {
  return new ColdpatchError(
    'limit_exceeded',
    `Expected ${expected} in a file of paragraphs (deb822), but ${found}. The file is damaged, or no such file.`,
  );
}
