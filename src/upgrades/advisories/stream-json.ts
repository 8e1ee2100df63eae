import { Tokenizer, TokenType } from '@streamparser/json';
import { isColdpatchError } from '../../lib/errors.ts';
import { advisoriesInvalid } from './advisories-invalid.ts';

/** How an element of an array stands in a path. */
export const element = '[]';

export interface JsonRecord {
  /** Keys from the root to the record; `[]` for an element of an array. */
  readonly path: readonly string[];
  readonly value: unknown;
  /** Several documents may follow each other: 0 for the first. */
  readonly document: number;
  /** How long its text is; of a text or number, how many characters it has. */
  readonly bytes: number;
}

type Kind = 'object' | 'array' | 'scalar';

interface Frame {
  readonly isArray: boolean;
  /** What is built; undefined for a container around records, of which nothing is kept. */
  readonly target: Record<string, unknown> | unknown[] | undefined;
  readonly startsRecord: boolean;
  /** Offset of its first byte. */
  readonly start: number;
  key: string;
}

type Expected = 'value' | 'element-or-end' | 'key' | 'key-or-end' | 'colon' | 'comma-or-end';

const deepest = 64;
const tokenBytes = 1024 * 1024;
const recordBytes = 32 * 1024 * 1024;
const recordNodes = 1_000_000;

/**
 * Parts of JSON documents (RFC 8259) that stand alone, after each other or one a line, as soon as each is complete.
 * What is not in a record is checked and forgotten, so that memory holds one record and never a document.
 *
 * @param chunks of at most 64 KiB: limits of bytes are looked at once for each.
 * @param isRecord whether the value at this path is given as a whole. The path is only lent.
 * @throws ColdpatchError `advisories_invalid` for what is not JSON, is deeper than 64, has a text of more than 1 MiB,
 *   or a record of more than 32 MiB or 1,000,000 values.
 */
export async function* streamJson(
  chunks: AsyncIterable<Uint8Array>,
  isRecord: (path: readonly string[], kind: Kind) => boolean,
): AsyncGenerator<JsonRecord> {
  const builder = createBuilder(isRecord);
  const tokenizer = new Tokenizer({ stringBufferSize: 64 * 1024 });
  let offset = 0;
  let tokenStart = 0;
  tokenizer.onToken = ({ token, value, offset: at }) => {
    builder.take(token, value, at);
    tokenStart = offset;
  };
  for await (const chunk of chunks) {
    guarded(() => tokenizer.write(chunk));
    offset += chunk.length;
    if (offset - tokenStart > tokenBytes + chunk.length) {
      throw advisoriesInvalid(`texts of at most ${tokenBytes} bytes`, 'one is longer');
    }
    builder.countBytes(chunk.length);
    yield* builder.flush();
  }
  guarded(() => tokenizer.end());
  builder.end();
  yield* builder.flush();
}

function guarded(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (isColdpatchError(error)) throw error;
    throw advisoriesInvalid('JSON', error instanceof Error ? error.message : String(error), error);
  }
}

interface Builder {
  /** @param at offset of the token. */
  take(token: TokenType, value: unknown, at: number): void;
  countBytes(count: number): void;
  /** The records that are complete and were not given yet. */
  flush(): readonly JsonRecord[];
  end(): void;
}

function createBuilder(isRecord: (path: readonly string[], kind: Kind) => boolean): Builder {
  const frames: Frame[] = [];
  const path: string[] = [];
  let records: JsonRecord[] = [];
  let expected: Expected = 'value';
  let document = 0;
  let nodes = 0;
  let bytes = 0;

  function add(value: unknown): void {
    const frame = frames.at(-1);
    if (frame?.target === undefined) return;
    nodes += 1;
    if (nodes > recordNodes)
      throw advisoriesInvalid(`records of at most ${recordNodes} values`, 'one has more');
    if (Array.isArray(frame.target)) frame.target.push(value);
    else frame.target[frame.key] = value;
  }

  function keyHere(): string | undefined {
    const frame = frames.at(-1);
    if (frame === undefined) return undefined;
    return frame.isArray ? element : frame.key;
  }

  /** Asks with the path of the value that begins here. */
  function beginsRecord(kind: Kind): boolean {
    if (frames.at(-1)?.target !== undefined) return false;
    const key = keyHere();
    if (key !== undefined) path.push(key);
    const answer = isRecord(path, kind);
    if (key !== undefined) path.pop();
    return answer;
  }

  function emit(value: unknown, bytes: number): void {
    const key = keyHere();
    records.push({ path: key === undefined ? [...path] : [...path, key], value, document, bytes });
  }

  function ended(): void {
    if (frames.length > 0) {
      expected = 'comma-or-end';
      return;
    }
    expected = 'value';
    document += 1;
  }

  function open(isArray: boolean, start: number): void {
    if (frames.length >= deepest) throw advisoriesInvalid(`a depth of at most ${deepest}`, 'it goes deeper');
    const startsRecord = beginsRecord(isArray ? 'array' : 'object');
    const isKept = startsRecord || frames.at(-1)?.target !== undefined;
    const target = !isKept ? undefined : isArray ? [] : {};
    if (startsRecord) {
      nodes = 0;
      bytes = 0;
    }
    if (target !== undefined && !startsRecord) add(target);
    if (target === undefined) {
      const key = keyHere();
      if (key !== undefined) path.push(key);
    }
    frames.push({ isArray, target, startsRecord, start, key: '' });
    expected = isArray ? 'element-or-end' : 'key-or-end';
  }

  function close(isArray: boolean, at: number): void {
    const frame = frames.at(-1);
    const mayEnd = expected === 'comma-or-end' || expected === (isArray ? 'element-or-end' : 'key-or-end');
    if (frame === undefined || frame.isArray !== isArray || !mayEnd) throw unexpected(isArray ? ']' : '}');
    frames.pop();
    if (frame.target === undefined && frames.length > 0) path.pop();
    if (frame.startsRecord) emit(frame.target, at + 1 - frame.start);
    ended();
  }

  function unexpected(found: string): Error {
    return advisoriesInvalid(`${expected} in JSON`, `found ${found}`);
  }

  function takeKey(value: unknown): void {
    const frame = frames.at(-1) as Frame;
    frame.key = String(value);
    if (frame.key === '__proto__') throw advisoriesInvalid('names of fields', 'one is __proto__');
    expected = 'colon';
  }

  return {
    take(token, value, at) {
      if (token === TokenType.COLON) {
        if (expected !== 'colon') throw unexpected(':');
        expected = 'value';
      } else if (token === TokenType.COMMA) {
        if (expected !== 'comma-or-end') throw unexpected(',');
        expected = frames.at(-1)?.isArray === true ? 'value' : 'key';
      } else if (token === TokenType.RIGHT_BRACE || token === TokenType.RIGHT_BRACKET) {
        close(token === TokenType.RIGHT_BRACKET, at);
      } else if (token === TokenType.STRING && (expected === 'key' || expected === 'key-or-end')) {
        takeKey(value);
      } else if (expected !== 'value' && expected !== 'element-or-end') {
        throw unexpected(TokenType[token]);
      } else if (token === TokenType.LEFT_BRACE || token === TokenType.LEFT_BRACKET) {
        open(token === TokenType.LEFT_BRACKET, at);
      } else {
        if (beginsRecord('scalar')) emit(value, String(value).length);
        else add(value);
        ended();
      }
    },
    countBytes(count) {
      bytes += count;
      const isInRecord = frames.at(-1)?.target !== undefined;
      if (isInRecord && bytes > recordBytes) {
        throw advisoriesInvalid(`records of at most ${recordBytes} bytes`, 'one is longer');
      }
    },
    flush() {
      const complete = records;
      records = [];
      return complete;
    },
    end() {
      if (frames.length > 0) throw advisoriesInvalid('a whole JSON document', 'it ends too early');
      if (document === 0) throw advisoriesInvalid('a JSON document', 'the file is empty');
    },
  };
}
