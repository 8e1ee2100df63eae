import type { BinaryReader } from '../../../lib/binary-reader.ts';

/** The two letters at the beginning of most cells. */
export function signatureOf(cell: BinaryReader): string {
  return Buffer.from(cell.bytes(0, 2)).toString('latin1');
}
