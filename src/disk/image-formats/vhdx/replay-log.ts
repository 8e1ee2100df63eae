import { assertInside, type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { findLogSequence } from './find-log-sequence.ts';
import { logEntry } from './layout.ts';
import type { VhdxHeader } from './parse-headers.ts';
import type { LogEntry } from './parse-log-entry.ts';

const pageBytes = logEntry.sectorBytes;
/** 1 GiB of zeros; the log itself bounds the other pages. */
const mostZeroPages = 262_144;

type Pages = ReadonlyMap<number, Buffer | 'zeros'>;

/** The file as it would be after the replay of its log. The replay is in memory: nothing is written. */
export function replayLog(file: ByteSource, { logGuid, logOffset, logLength }: VhdxHeader): ByteSource {
  if (logGuid === undefined) return file;
  assertInside(file, logOffset, logLength);
  const sequence = findLogSequence(readBytes(file, logOffset, logLength), logGuid);
  const last = sequence.at(-1) as LogEntry;
  if (last.flushedFileOffset > file.size) {
    throw new ColdpatchError(
      'image_truncated',
      `Expected a VHDX file of at least ${last.flushedFileOffset} bytes, but it has only ${file.size}. ` +
        'It may be cut off: take it from its source again.',
    );
  }
  const size = last.lastFileOffset > file.size ? last.lastFileOffset : file.size;
  return patched(file, size, pagesOf(sequence));
}

function pagesOf(sequence: readonly LogEntry[]): Pages {
  const pages = new Map<number, Buffer | 'zeros'>();
  let zeroPagesLeft = mostZeroPages;
  for (const write of sequence.flatMap(({ writes }) => writes)) {
    const first = Number(write.offset / BigInt(pageBytes));
    if ('bytes' in write) {
      pages.set(first, write.bytes);
      continue;
    }
    const count = Number(write.zeros / BigInt(pageBytes));
    zeroPagesLeft -= count;
    if (zeroPagesLeft < 0) {
      throw new ColdpatchError(
        'limit_exceeded',
        `Expected a VHDX log that zeroes at most ${mostZeroPages * pageBytes} bytes, but it zeroes more.`,
      );
    }
    for (let page = first; page < first + count; page += 1) pages.set(page, 'zeros');
  }
  return pages;
}

function patched(file: ByteSource, size: bigint, pages: Pages): ByteSource {
  return {
    size,
    read(offset, into) {
      assertInside({ size }, offset, into.length);
      for (let done = 0; done < into.length; ) {
        const position = offset + BigInt(done);
        const page = Number(position / BigInt(pageBytes));
        const within = Number(position % BigInt(pageBytes));
        const patch = pages.get(page);
        let end = page + 1;
        const wanted = Math.ceil((within + into.length - done) / pageBytes);
        while (patch === undefined && end < page + wanted && !pages.has(end)) end += 1;
        const part = into.subarray(done, done + (end - page) * pageBytes - within);
        if (patch === undefined) readPadded(file, position, part);
        else if (patch === 'zeros') part.fill(0);
        else part.set(patch.subarray(within, within + part.length));
        done += part.length;
      }
    },
  };
}

/** The replay may have made the file longer; zeros are there. */
function readPadded(file: ByteSource, offset: bigint, into: Uint8Array): void {
  const left = file.size > offset ? file.size - offset : 0n;
  const length = left < BigInt(into.length) ? Number(left) : into.length;
  file.read(offset, into.subarray(0, length));
  into.fill(0, length);
}
