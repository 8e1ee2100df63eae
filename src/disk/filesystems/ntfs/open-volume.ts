import type { ByteSource } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import type { Gap } from '../../../lib/gap.ts';
import { cachedSource } from '../../cached-source.ts';
import { type FileTable, openFileTable } from './file-table.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { findBootSector } from './find-boot-sector.ts';
import { attributeType, systemRecord } from './layout.ts';
import { openAttribute } from './open-attribute.ts';
import type { BootSector } from './parse-boot-sector.ts';
import { type LogState, readLogState } from './read-log-state.ts';
import { readVolumeInformation, type VolumeInformation } from './read-volume-information.ts';

const cache = { chunkBytes: 32 * 1024, maxBytes: 8 * 1024 * 1024 } as const;

/** A volume whose own files could be read. */
export interface NtfsVolume {
  readonly boot: BootSector;
  /** The volume behind a cache. */
  readonly metadata: ByteSource;
  readonly table: FileTable;
  readonly information: VolumeInformation;
  readonly log: LogState;
  readonly gaps: readonly Gap[];
}

export function openVolume(volume: ByteSource): NtfsVolume {
  const { boot, gaps } = findBootSector(volume);
  if (boot.totalBytes > volume.size) {
    throw new ColdpatchError(
      'image_truncated',
      `Expected ${boot.totalBytes} bytes of NTFS, but its partition or disk has only ${volume.size}. ` +
        'The image may be cut off: take it from its source again.',
    );
  }
  const metadata = cachedSource(volume, cache);
  const table = openFileTable(metadata, boot);
  const information = readVolumeInformation(table);
  const { attributes, what } = table.file(systemRecord.logFile);
  const logFile = openAttribute(boot, attributes, attributeType.data, '', what);
  if (logFile === undefined) {
    throw filesystemCorrupt('Expected $LogFile to have data, but it has none.');
  }
  const log = readLogState(logFile.open(metadata));
  return {
    boot,
    metadata,
    table,
    information,
    log,
    gaps: [...gaps, ...table.gaps, ...(log === 'clean' ? [] : [notReplayed])],
  };
}

const notReplayed: Gap = {
  where: '$LogFile',
  reason: 'unclean',
  detail:
    'Windows was not shut down completely (also a fast start-up leaves this), and its log is not replayed: ' +
    'the newest changes may be missing. Shut the machine down with: shutdown /s /t 0.',
};
