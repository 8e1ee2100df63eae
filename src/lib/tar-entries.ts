import { ColdpatchError, type ErrorCode } from './errors.ts';

/** One member of an archive. */
export interface TarEntry {
  readonly name: string;
  /** POSIX typeflag: `0` for a file, `2` for a symbolic link, `5` for a directory. */
  readonly type: string;
  /** Bytes. */
  readonly size: number;
  readonly linkName: string;
  /** Seconds since 1970. */
  readonly modifiedAt: number;
  /** Its bytes, in parts; what of it is not read is skipped when the next member is asked for. */
  readonly content: AsyncIterable<Uint8Array>;
}

export interface TarOptions {
  /** For messages: `the package nginx`. */
  readonly what: string;
  /** Of the error for what is no archive. */
  readonly code: ErrorCode;
}

const blockBytes = 512;
/** Of a name or a header that stands before the member it belongs to. */
const longestExtension = 64 * 1024;

/**
 * The members of a tar archive in their order (POSIX.1-1988 ustar, GNU long names, POSIX.1-2001 `path` and `linkpath`),
 * with one part of the input in memory at a time.
 */
export async function* tarEntries(
  chunks: AsyncIterable<Uint8Array>,
  options: TarOptions,
): AsyncGenerator<TarEntry, undefined> {
  const input = byteQueue(chunks, options);
  let longName: string | undefined;
  let longLink: string | undefined;
  for (;;) {
    const header = await input.take(blockBytes, { mayEnd: true });
    if (header === undefined || header.every((byte) => byte === 0)) return;
    const { name, type, size, linkName, modifiedAt } = parseHeader(header, options);
    const padding = (blockBytes - (size % blockBytes)) % blockBytes;
    if (type === 'L' || type === 'K' || type === 'x' || type === 'g') {
      if (size > longestExtension) throw invalid(options, `an extension of ${size} bytes`);
      const text = Buffer.from((await input.take(size)) as Uint8Array).toString('utf8');
      await input.skip(padding);
      if (type === 'L') longName = text.replace(/\0.*$/s, '');
      if (type === 'K') longLink = text.replace(/\0.*$/s, '');
      if (type === 'x') {
        longName = paxValue(text, 'path') ?? longName;
        longLink = paxValue(text, 'linkpath') ?? longLink;
        if (paxValue(text, 'size') !== undefined) throw invalid(options, 'a member of 8 GiB or more');
      }
      continue;
    }
    let left = size;
    async function* content(): AsyncGenerator<Uint8Array, undefined> {
      while (left > 0) {
        const part = await input.some(left);
        left -= part.length;
        yield part;
      }
    }
    yield {
      name: longName ?? name,
      type,
      size,
      linkName: longLink ?? linkName,
      modifiedAt,
      content: content(),
    };
    await input.skip(left + padding);
    longName = undefined;
    longLink = undefined;
  }
}

function parseHeader(block: Uint8Array, options: TarOptions) {
  const bytes = Buffer.from(block.buffer, block.byteOffset, block.byteLength);
  const text = (start: number, length: number): string =>
    bytes
      .subarray(start, start + length)
      .toString('utf8')
      .replace(/\0.*$/s, '');
  const octal = (start: number, length: number): number => {
    const digits = text(start, length).trim();
    if (!/^[0-7]+$/.test(digits)) throw invalid(options, `the number "${digits.slice(0, 12)}"`);
    return Number.parseInt(digits, 8);
  };
  const expected = octal(148, 8);
  const sum = bytes.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 0x20 : byte), 0);
  if (sum !== expected) throw invalid(options, 'a header that does not match its checksum');
  const prefix = text(257, 5) === 'ustar' && text(263, 2) === '00' ? text(345, 155) : '';
  return {
    name: prefix === '' ? text(0, 100) : `${prefix}/${text(0, 100)}`,
    type: text(156, 1) || '0',
    size: octal(124, 12),
    linkName: text(157, 100),
    // Older archives leave it empty.
    modifiedAt: text(136, 12).trim() === '' ? 0 : octal(136, 12),
  };
}

/** A value of an extended header: records of `LENGTH KEY=VALUE\n`. */
function paxValue(text: string, key: string): string | undefined {
  return new RegExp(`(?:^|\\n)\\d+ ${key}=([^\\n]*)\\n`).exec(text)?.[1];
}

function invalid({ what, code }: TarOptions, found: string): ColdpatchError {
  return new ColdpatchError(code, `Expected a tar archive in ${what}, but found ${found}.`);
}

function byteQueue(chunks: AsyncIterable<Uint8Array>, options: TarOptions) {
  const iterator = chunks[Symbol.asyncIterator]();
  let rest: Uint8Array = new Uint8Array(0);

  async function fill(): Promise<boolean> {
    while (rest.length === 0) {
      const next = await iterator.next();
      if (next.done === true) return false;
      rest = next.value;
    }
    return true;
  }
  /** Up to `most` bytes, at least one. */
  async function some(most: number): Promise<Uint8Array> {
    if (!(await fill())) throw invalid(options, 'its end in the middle of a member');
    const part = rest.subarray(0, most);
    rest = rest.subarray(part.length);
    return part;
  }
  return {
    some,
    async take(count: number, { mayEnd = false } = {}): Promise<Uint8Array | undefined> {
      if (mayEnd && !(await fill())) return undefined;
      const parts: Uint8Array[] = [];
      for (let left = count; left > 0; ) {
        const part = await some(left);
        parts.push(part);
        left -= part.length;
      }
      return parts.length === 1 ? parts[0] : Buffer.concat(parts);
    },
    async skip(count: number): Promise<void> {
      for (let left = count; left > 0; ) left -= (await some(left)).length;
    },
  };
}
