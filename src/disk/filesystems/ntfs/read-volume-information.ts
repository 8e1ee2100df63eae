import { ColdpatchError } from '../../../lib/errors.ts';
import type { FileTable } from './file-table.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { attributeType, systemRecord, volumeFlag, volumeInformation } from './layout.ts';
import { residentValue } from './resident-value.ts';
import { structureReader } from './structure-reader.ts';

export interface VolumeInformation {
  readonly label: string;
  /** `3.1` since Windows XP. */
  readonly version: string;
  /** True when Windows wants the volume to be checked. */
  readonly isDirty: boolean;
}

/** What the file $Volume says. @throws filesystem_unsupported for versions before Windows 2000. */
export function readVolumeInformation(table: FileTable): VolumeInformation {
  const { attributes, what } = table.file(systemRecord.volume);
  const label = residentValue(attributes, attributeType.volumeName, '', what);
  const information = residentValue(attributes, attributeType.volumeInformation, '', what);
  if (information === undefined) {
    throw filesystemCorrupt('Expected $Volume to say which version of NTFS this is, but it does not.');
  }
  const reader = structureReader(information, '$Volume');
  const major = reader.u8(volumeInformation.major);
  const version = `${major}.${reader.u8(volumeInformation.minor)}`;
  if (major !== 3) {
    throw new ColdpatchError('filesystem_unsupported', `Expected NTFS 3.0 or 3.1, but found ${version}.`);
  }
  return {
    label: Buffer.from(label ?? []).toString('utf16le'),
    version,
    isDirty: (reader.u16(volumeInformation.flags) & volumeFlag.dirty) !== 0,
  };
}
