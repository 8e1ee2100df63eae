import { type BinaryReader, binaryReader } from '../../../lib/binary-reader.ts';
import { type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import { programCorrupt } from './corrupt.ts';
import * as layout from './layout.ts';

export interface PeSection {
  readonly name: string;
  /** In memory; what lies behind it in the file only fills it up. Bytes. */
  readonly virtualSize: number;
  readonly fileOffset: number;
  readonly fileSize: number;
}

/** A program that firmware starts. */
export interface PeFile {
  /** `0x8664` for x86-64, `0xaa64` for 64-bit ARM. */
  readonly machine: number;
  readonly headersBytes: number;
  /** Byte of the checksum, which no digest counts. */
  readonly checksumAt: number;
  /** Byte of the directory entry that says where the signatures are; undefined when there is no such entry. */
  readonly certificatesAt: number | undefined;
  /** The signatures; of no length when it is not signed. */
  readonly certificates: { readonly offset: number; readonly size: number };
  readonly sections: readonly PeSection[];
}

/**
 * Undefined when the file does not begin as a program of DOS or UEFI does.
 * @throws ColdpatchError `boot_program_corrupt`.
 */
export function parsePe(file: ByteSource): PeFile | undefined {
  if (file.size < 64n) return undefined;
  const length = file.size < BigInt(layout.largestHeaders) ? Number(file.size) : layout.largestHeaders;
  const reader = readerOf(readBytes(file, 0n, length));
  if (reader.text(0, 2) !== layout.dosMagic) return undefined;
  const start = reader.u32(layout.peOffset);
  if (Buffer.from(reader.bytes(start, 4)).toString('latin1') !== layout.peMagic) {
    throw programCorrupt(`the header of PE at byte ${start}`, 'something else');
  }
  const optional = start + layout.coff.optional;
  const magic = reader.u16(optional + layout.optional.magic);
  if (magic !== 0x10b && magic !== 0x20b) {
    throw programCorrupt('a program for 32 or 64 bits (0x10b, 0x20b)', `0x${magic.toString(16)}`);
  }
  const headersBytes = reader.u32(optional + layout.optional.headersBytes);
  if (BigInt(headersBytes) > file.size) {
    throw programCorrupt(`headers of at most ${file.size} bytes`, `${headersBytes} bytes`);
  }
  const count = reader.u32(optional + layout.optional.directoryCount[magic]);
  const certificatesAt =
    count > layout.certificateDirectory
      ? optional + layout.optional.directories[magic] + layout.certificateDirectory * layout.directoryBytes
      : undefined;
  return {
    machine: reader.u16(start + layout.coff.machine),
    headersBytes,
    checksumAt: optional + layout.optional.checksum,
    certificatesAt,
    certificates: certificatesOf(file, reader, certificatesAt),
    sections: sectionsOf(file, reader, start),
  };
}

function certificatesOf(
  file: ByteSource,
  reader: BinaryReader,
  at: number | undefined,
): PeFile['certificates'] {
  if (at === undefined) return { offset: 0, size: 0 };
  const certificates = { offset: reader.u32(at), size: reader.u32(at + 4) };
  const end = BigInt(certificates.offset) + BigInt(certificates.size);
  if (certificates.size > 0 && end > file.size) {
    throw programCorrupt(`signatures inside its ${file.size} bytes`, `an end at byte ${end}`);
  }
  return certificates;
}

function sectionsOf(file: ByteSource, reader: BinaryReader, start: number): readonly PeSection[] {
  const count = reader.u16(start + layout.coff.sectionCount);
  if (count > layout.mostSections)
    throw programCorrupt(`at most ${layout.mostSections} sections`, `${count}`);
  const first = start + layout.coff.optional + reader.u16(start + layout.coff.optionalBytes);
  const names =
    BigInt(reader.u32(start + layout.coff.symbolTable)) +
    BigInt(reader.u32(start + layout.coff.symbolCount) * layout.symbolBytes);
  const sections = Array.from({ length: count }, (_, index): PeSection => {
    const at = first + index * layout.section.bytes;
    return {
      name: nameOf(file, reader.text(at + layout.section.name, layout.section.nameBytes), names),
      virtualSize: reader.u32(at + layout.section.virtualSize),
      fileSize: reader.u32(at + layout.section.fileSize),
      fileOffset: reader.u32(at + layout.section.fileOffset),
    };
  });
  const outside = sections.find(
    ({ fileOffset, fileSize }) => fileSize > 0 && BigInt(fileOffset) + BigInt(fileSize) > file.size,
  );
  if (outside !== undefined) {
    throw programCorrupt(
      `sections inside its ${file.size} bytes`,
      `one at byte ${outside.fileOffset} with ${outside.fileSize} bytes`,
    );
  }
  return sections;
}

/** A name of more than eight bytes is `/` and its place in the table of strings. */
function nameOf(file: ByteSource, short: string, names: bigint): string {
  const place = /^\/(\d{1,7})$/.exec(short)?.[1];
  if (place === undefined) return short;
  const at = names + BigInt(place);
  const left = file.size - at;
  if (left <= 0n) return short;
  const bytes = readBytes(file, at, left < BigInt(layout.longestName) ? Number(left) : layout.longestName);
  return readerOf(bytes).text(0, bytes.length);
}

function readerOf(bytes: Buffer): BinaryReader {
  return binaryReader(bytes, {
    order: 'little',
    code: 'boot_program_corrupt',
    what: 'a program of the boot loader',
  });
}
