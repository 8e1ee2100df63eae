import { decodeLabel, decodeShortName } from './decode-short-name.ts';
import { attribute, entry, entryBytes, erased, longName, nameBytes } from './layout.ts';

export interface FatEntry {
  readonly name: string;
  /** Byte offset of its short entry in the directory. */
  readonly offset: number;
  readonly bytes: Buffer;
}

export interface FatDirectory {
  /** With `.` and `..`. */
  readonly entries: readonly FatEntry[];
  /** The volume's name, in a root directory. */
  readonly label?: string;
}

/** The entries of a directory's bytes, up to its end mark; a long name that does not fit its short one is left out. */
export function parseDirectory(bytes: Buffer): FatDirectory {
  const entries: FatEntry[] = [];
  let label: string | undefined;
  let pending: LongName | undefined;
  for (let offset = 0; offset + entryBytes <= bytes.length; offset += entryBytes) {
    const fields = bytes.subarray(offset, offset + entryBytes);
    const first = fields.readUInt8(0);
    if (first === 0) {
      break;
    }
    const attributes = fields.readUInt8(entry.attributes);
    if (first === erased) {
      pending = undefined;
    } else if ((attributes & attribute.mask) === attribute.longName) {
      pending = addPiece(pending, fields);
    } else if ((attributes & attribute.label) !== 0) {
      label ??= decodeLabel(fields);
      pending = undefined;
    } else {
      entries.push({ name: nameOf(pending, fields), offset, bytes: fields });
      pending = undefined;
    }
  }
  return { entries, ...(label === undefined ? {} : { label }) };
}

/** A long name stands in pieces before its short entry, the last piece first. */
interface LongName {
  readonly checksum: number;
  /** The ordinal of the piece that came last. */
  readonly ordinal: number;
  readonly text: string;
}

function addPiece(pending: LongName | undefined, fields: Buffer): LongName | undefined {
  const stored = fields.readUInt8(longName.ordinal);
  const ordinal = stored & longName.ordinalMask;
  const checksum = fields.readUInt8(longName.checksum);
  const text = longName.pieces
    .map(({ at, units }) => fields.toString('utf16le', at, at + units * 2))
    .join('');
  if ((stored & longName.lastBit) !== 0) {
    const isPossible = ordinal >= 1 && ordinal <= longName.mostEntries;
    return isPossible ? { checksum, ordinal, text: upToEnd(text) } : undefined;
  }
  if (pending === undefined || pending.checksum !== checksum || pending.ordinal !== ordinal + 1) {
    return undefined;
  }
  return { checksum, ordinal, text: text + pending.text };
}

function upToEnd(text: string): string {
  const end = text.indexOf('\0');
  return end === -1 ? text : text.slice(0, end);
}

function nameOf(pending: LongName | undefined, fields: Buffer): string {
  const isWhole = pending?.ordinal === 1 && pending.checksum === checksumOf(fields) && pending.text !== '';
  return isWhole ? pending.text : decodeShortName(fields);
}

/** Over the eleven bytes of the short name: turned right by one bit, then added. */
function checksumOf(fields: Buffer): number {
  let sum = 0;
  for (const byte of fields.subarray(0, nameBytes)) {
    sum = (((sum & 1) << 7) + (sum >>> 1) + byte) & 0xff;
  }
  return sum;
}
