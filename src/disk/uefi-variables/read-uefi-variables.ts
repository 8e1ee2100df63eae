import { type BinaryReader, binaryReader } from '../../lib/binary-reader.ts';
import { type ByteSource, readBytes } from '../../lib/byte-source.ts';
import { ColdpatchError } from '../../lib/errors.ts';
import { formatGuid } from '../format-guid.ts';
import * as layout from './layout.ts';

/** A variable of the firmware that is in force. */
export interface UefiVariable {
  readonly name: string;
  /** The GUID of whoever gave the name its meaning, lower case with dashes. */
  readonly vendor: string;
  readonly data: Uint8Array;
}

/**
 * The variables of a file that EDK2 firmware (OVMF, AAVMF) writes. Deleted and replaced ones are left out.
 *
 * @throws ColdpatchError `uefi_variables_invalid` when it is no such file or contradicts itself.
 */
export function readUefiVariables(file: ByteSource): readonly UefiVariable[] {
  const start = storeStart(file);
  const header = readerOf(file, start, layout.store.bytes, 'the header of the variable store');
  const guid = formatGuid(header.bytes(layout.store.guid, 16));
  if (guid !== layout.authenticatedStoreGuid) {
    throw invalid(`a store of authenticated variables (${layout.authenticatedStoreGuid})`, `a store ${guid}`);
  }
  const [format, state] = [header.u8(layout.store.format), header.u8(layout.store.state)];
  if (format !== layout.storeFormatted || state !== layout.storeHealthy) {
    throw invalid('a variable store that is formatted and healthy', `format ${format} and state ${state}`);
  }
  const size = header.u32(layout.store.size);
  if (size > layout.largestStore) {
    throw invalid(`a variable store of at most ${layout.largestStore} bytes`, `one of ${size} bytes`);
  }
  return inForce(listEntries(readerOf(file, start, size, 'the variable store')));
}

function storeStart(file: ByteSource): bigint {
  const header = readerOf(file, 0n, layout.volume.bytes, 'the header of the firmware volume');
  const signature = header.text(layout.volume.signature, layout.volumeSignature.length);
  const guid = formatGuid(header.bytes(layout.volume.fileSystemGuid, 16));
  if (signature !== layout.volumeSignature || guid !== layout.systemNvDataGuid) {
    throw invalid('a firmware volume of variables, as OVMF keeps them', 'something else');
  }
  return BigInt(header.u16(layout.volume.headerLength));
}

interface Entry extends UefiVariable {
  readonly state: number;
}

function listEntries(reader: BinaryReader): readonly Entry[] {
  const entries: Entry[] = [];
  let at: number = layout.store.bytes;
  while (at + layout.variable.name <= reader.length && reader.u16(at) === layout.variableStart) {
    if (entries.length === layout.mostVariables) {
      throw invalid(`at most ${layout.mostVariables} variables`, 'more');
    }
    const nameBytes = reader.u32(at + layout.variable.nameBytes);
    const dataBytes = reader.u32(at + layout.variable.dataBytes);
    const nameAt = at + layout.variable.name;
    entries.push({
      state: reader.u8(at + layout.variable.state),
      name: nameOf(reader.bytes(nameAt, nameBytes)),
      vendor: formatGuid(reader.bytes(at + layout.variable.vendor, 16)),
      data: reader.bytes(nameAt + nameBytes, dataBytes),
    });
    at = aligned(nameAt + nameBytes + dataBytes);
  }
  return entries;
}

/** One that was being replaced counts until what replaces it was written whole. */
function inForce(entries: readonly Entry[]): readonly UefiVariable[] {
  const found = new Map<string, UefiVariable>();
  for (const wanted of [layout.variableBeingReplaced, layout.variableAdded]) {
    for (const { state, name, vendor, data } of entries) {
      if (state === wanted) found.set(`${vendor} ${name}`, { name, vendor, data });
    }
  }
  return [...found.values()];
}

function nameOf(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString('utf16le');
  const end = text.indexOf('\0');
  return end === -1 ? text : text.slice(0, end);
}

function aligned(at: number): number {
  return Math.ceil(at / 4) * 4;
}

function readerOf(file: ByteSource, start: bigint, length: number, what: string): BinaryReader {
  if (start + BigInt(length) > file.size) {
    throw invalid(`${what} of ${length} bytes at byte ${start}`, `a file of ${file.size} bytes`);
  }
  const bytes = readBytes(file, start, length);
  return binaryReader(bytes, { order: 'little', code: 'uefi_variables_invalid', what });
}

function invalid(expected: string, found: string): ColdpatchError {
  return new ColdpatchError(
    'uefi_variables_invalid',
    `Expected ${expected}, but found ${found}. Name the file of UEFI variables that the machine starts with.`,
  );
}
