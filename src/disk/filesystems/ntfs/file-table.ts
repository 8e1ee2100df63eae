import { type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import { isColdpatchError } from '../../../lib/errors.ts';
import type { Gap } from '../../../lib/gap.ts';
import { createLruCache } from '../../../lib/lru-cache.ts';
import { type AttributePart, attributesOf } from './attributes-of.ts';
import { clusterMapper } from './cluster-mapper.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { attributeType, systemRecord } from './layout.ts';
import { mappedContent } from './mapped-content.ts';
import type { MappedAttribute } from './parse-attribute.ts';
import type { BootSector } from './parse-boot-sector.ts';
import { type FileRecord, parseRecord } from './parse-record.ts';

const rememberedRecords = 512;

/** A file: its record, and its attributes wherever they are. */
export interface NtfsFile {
  readonly record: FileRecord;
  readonly attributes: readonly AttributePart[];
  /** For messages. */
  readonly what: string;
}

/** The master file table. */
export interface FileTable {
  /** Records, used and free. */
  readonly records: number;
  readonly gaps: readonly Gap[];
  record(number: number): FileRecord;
  /** @throws filesystem_corrupt when the record is free, or only holds attributes of another file. */
  file(number: number): NtfsFile;
}

/** Opens $MFT by the runs in its own first record. @param metadata the volume, best behind a cache. */
export function openFileTable(metadata: ByteSource, boot: BootSector): FileTable {
  const { first, gaps } = readFirstRecord(metadata, boot);
  const parts: MappedAttribute[] = [];
  const firsts: number[] = [];
  const mapper = clusterMapper(
    { firsts, load: (index) => parts[index] as MappedAttribute },
    boot.clusters,
    '$MFT',
  );
  const remembered = createLruCache<number, FileRecord>(rememberedRecords);
  let content: ByteSource | undefined;
  let records = 1;
  const recordOf = (number: number): FileRecord => {
    const known = number === systemRecord.mft ? first : remembered.get(number);
    if (known !== undefined) {
      return known;
    }
    if (content === undefined || !Number.isInteger(number) || number < 0 || number >= records) {
      throw filesystemCorrupt(`Expected a file record from 0 to ${records - 1}, but found ${number}.`);
    }
    const bytes = readBytes(content, BigInt(number) * BigInt(boot.recordSize), boot.recordSize);
    const record = parseRecord(bytes, number);
    remembered.set(number, record);
    return record;
  };
  // A part is found by the parts before it, never by itself: hence the strict order.
  const own = attributesOf(metadata, boot, first, recordOf)
    .filter(({ type, name }) => type === attributeType.data && name === '')
    .toSorted((a, b) => a.firstCluster - b.firstCluster);
  for (const { firstCluster, load } of own) {
    const part = load();
    if (part.kind !== 'mapped' || (parts.length === 0 && firstCluster !== 0)) {
      throw filesystemCorrupt('Expected $MFT in clusters from its start on, but it is not.');
    }
    parts.push(part);
    firsts.push(firstCluster);
    if (content === undefined) {
      content = mappedContent(metadata, boot.clusterSize, part, mapper);
      records = Math.floor(part.initializedSize / boot.recordSize);
    }
  }
  if (content === undefined) {
    throw filesystemCorrupt('Expected $MFT to have data, but its record names none.');
  }
  return {
    records,
    gaps,
    record: recordOf,
    file(number) {
      const record = recordOf(number);
      if (record.base !== undefined) {
        throw filesystemCorrupt(
          `Expected a file in record ${number}, but it belongs to record ${record.base.record}.`,
        );
      }
      return {
        record,
        attributes: attributesOf(metadata, boot, record, recordOf),
        what: `file record ${number}`,
      };
    },
  };
}

/** The record of $MFT itself, or its copy in $MFTMirr. */
function readFirstRecord(
  metadata: ByteSource,
  boot: BootSector,
): { readonly first: FileRecord; readonly gaps: readonly Gap[] } {
  const read = (cluster: number): FileRecord =>
    parseRecord(
      readBytes(metadata, BigInt(cluster) * BigInt(boot.clusterSize), boot.recordSize),
      systemRecord.mft,
    );
  try {
    return { first: read(boot.mftCluster), gaps: [] };
  } catch (error) {
    if (!isColdpatchError(error, 'filesystem_corrupt')) {
      throw error;
    }
    const first = read(boot.mirrorCluster);
    const detail = `${error.message} The copy in $MFTMirr was used.`;
    return { first, gaps: [{ where: '$MFT', reason: 'corrupt', detail }] };
  }
}
