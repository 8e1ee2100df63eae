import type { ByteSource } from '../../../lib/byte-source.ts';
import { isColdpatchError } from '../../../lib/errors.ts';
import { extension, extensionIds, presence } from './layout.ts';
import type { DirectoryRecord } from './parse-directory-record.ts';
import { systemUseEntries } from './system-use-entries.ts';

/** Bytes to pass over in each system use area, when the root's own record announces Rock Ridge; else undefined. */
export function findRockRidge(metadata: ByteSource, root: DirectoryRecord): number | undefined {
  let skip: number | undefined;
  let isRockRidge = false;
  try {
    for (const { signature, bytes } of systemUseEntries(metadata, root.systemUse)) {
      if (signature === 'SP' && bytes.length >= presence.bytes) {
        const isMarked = bytes.readUInt16LE(presence.check) === presence.checkValue;
        skip = isMarked ? bytes.readUInt8(presence.skip) : skip;
      } else if (signature === 'ER' && bytes.length > extension.id) {
        const end = extension.id + bytes.readUInt8(extension.idLength);
        isRockRidge ||= extensionIds.includes(bytes.toString('latin1', extension.id, end));
      } else if (signature === 'PX') {
        isRockRidge = true;
      }
    }
  } catch (error) {
    // Without the announcement these bytes belong to some other program, and need not have this form.
    if (skip === undefined && isColdpatchError(error, 'filesystem_corrupt')) {
      return undefined;
    }
    throw error;
  }
  return isRockRidge ? skip : undefined;
}
