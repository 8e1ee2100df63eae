/**
 * The bytes that an .xz stream yields at most, from its LZMA2 chunks, before anything is decompressed.
 *
 * Only what squashfs writes is accepted: one stream of one block, and nothing after it ("The .xz File Format" 1.2.1).
 * Undefined when the bytes are anything else.
 */
export function measureXz(bytes: Uint8Array): number | undefined {
  const checkBytes = checkSizes[bytes[7] ?? 0];
  const isStream = streamMagic.every((value, index) => bytes[index] === value);
  const header = ((bytes[streamHeaderBytes] ?? 0) + 1) * 4;
  if (!isStream || checkBytes === undefined || header === 4 || !hasSmallWindow(bytes, header)) {
    return undefined;
  }
  const block = streamHeaderBytes;
  const data = measureChunks(bytes, block + header);
  if (data === undefined) {
    return undefined;
  }
  const index = block + roundUp(data.end - block) + checkBytes;
  return endOfIndex(bytes, index) === bytes.length ? data.yields : undefined;
}

const streamMagic = [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00] as const;
const streamHeaderBytes = 12;
const streamFooterBytes = 12;
/** By the kind of check: none, CRC32, CRC64, SHA-256. */
const checkSizes: Readonly<Record<number, number>> = { 0: 0, 1: 4, 4: 8, 10: 32 };
const lzma2 = 0x21;
/** 8 MiB: squashfs takes the size of a block, which is 1 MiB at most. */
const mostWindow = 22;

interface Place {
  at: number;
}

function hasSmallWindow(bytes: Uint8Array, header: number): boolean {
  const flags = bytes[streamHeaderBytes + 1] ?? 0;
  const place: Place = { at: streamHeaderBytes + 2 };
  if ((flags & 0x40) !== 0) {
    variable(bytes, place);
  }
  if ((flags & 0x80) !== 0) {
    variable(bytes, place);
  }
  let window: number | undefined;
  for (let filter = 0; filter <= (flags & 3); filter += 1) {
    const id = variable(bytes, place);
    const length = variable(bytes, place);
    window = id === lzma2 ? bytes[place.at] : undefined;
    place.at += length;
  }
  return place.at <= streamHeaderBytes + header - 4 && window !== undefined && window <= mostWindow;
}

/** Each chunk says how many bytes it yields, and the decoder holds it to that. */
function measureChunks(bytes: Uint8Array, start: number): { yields: number; end: number } | undefined {
  let yields = 0;
  for (let at = start; at < bytes.length; ) {
    const control = bytes[at] as number;
    if (control === 0) {
      return { yields, end: at + 1 };
    }
    if (control >= 3 && control < 0x80) {
      return undefined;
    }
    const low = ((bytes[at + 1] ?? 0) << 8) + (bytes[at + 2] ?? 0) + 1;
    if (control < 0x80) {
      yields += low;
      at += 3 + low;
    } else {
      yields += ((control & 0x1f) << 16) + low;
      at += (control >= 0xc0 ? 6 : 5) + ((bytes[at + 3] ?? 0) << 8) + (bytes[at + 4] ?? 0) + 1;
    }
  }
  return undefined;
}

/** The byte after the footer, when the index has one record. */
function endOfIndex(bytes: Uint8Array, start: number): number | undefined {
  const place: Place = { at: start + 1 };
  if (bytes[start] !== 0 || variable(bytes, place) !== 1) {
    return undefined;
  }
  variable(bytes, place);
  variable(bytes, place);
  return start + roundUp(place.at - start) + 4 + streamFooterBytes;
}

function variable(bytes: Uint8Array, place: Place): number {
  let value = 0;
  for (let scale = 1; scale < 2 ** 42; scale *= 128) {
    const byte = bytes[place.at] ?? 0;
    place.at += 1;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) {
      return value;
    }
  }
  return Number.POSITIVE_INFINITY;
}

function roundUp(length: number): number {
  return Math.ceil(length / 4) * 4;
}
