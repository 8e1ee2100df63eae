import type { ByteSource } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { memorySource } from '../../memory-source.ts';
import type { AttributePart } from './attributes-of.ts';
import { clusterMapper } from './cluster-mapper.ts';
import { compressedContent } from './compressed-content.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { attributeFlag } from './layout.ts';
import { mappedContent } from './mapped-content.ts';
import type { Attribute, MappedAttribute } from './parse-attribute.ts';
import type { BootSector } from './parse-boot-sector.ts';

const largestUnit = 1024 * 1024;

/** The value of one attribute of a file: its bytes are read when they are asked for. */
export interface OpenAttribute {
  /** Bytes. */
  readonly size: bigint;
  readonly isEncrypted: boolean;
  /** @throws filesystem_unsupported when it is encrypted or compressed in an unknown way. */
  readonly open: (volume: ByteSource) => ByteSource;
}

/** Finds an attribute by type and name, or undefined when the file has none such. @param what the file, for messages. */
export function openAttribute(
  boot: BootSector,
  attributes: readonly AttributePart[],
  type: number,
  name: string,
  what: string,
): OpenAttribute | undefined {
  const parts = attributes
    .filter((part) => part.type === type && part.name === name)
    .toSorted((a, b) => a.firstCluster - b.firstCluster);
  const [start] = parts;
  if (start === undefined) {
    return undefined;
  }
  if (start.firstCluster !== 0) {
    throw filesystemCorrupt(`Expected ${what} to begin at its cluster 0, but that part is missing.`);
  }
  const first = start.load();
  const isEncrypted = (first.flags & attributeFlag.encrypted) !== 0;
  return {
    size: BigInt(first.kind === 'resident' ? first.value.length : first.size),
    isEncrypted,
    open(volume) {
      if (isEncrypted) {
        throw new ColdpatchError(
          'filesystem_unsupported',
          `Expected ${what} to be readable, but it is encrypted (EFS).`,
        );
      }
      if (first.kind === 'resident') {
        return memorySource(first.value);
      }
      return contentOf(volume, boot, first, parts, what);
    },
  };
}

function contentOf(
  volume: ByteSource,
  boot: BootSector,
  first: MappedAttribute,
  parts: readonly AttributePart[],
  what: string,
): ByteSource {
  const mapper = clusterMapper(
    {
      firsts: parts.map(({ firstCluster }) => firstCluster),
      load: (index) => asMapped((parts[index] as AttributePart).load(), what),
    },
    boot.clusters,
    what,
  );
  const compression = first.flags & attributeFlag.compressionMask;
  if (compression === 0) {
    return mappedContent(volume, boot.clusterSize, first, mapper);
  }
  if (compression !== attributeFlag.lznt1) {
    throw new ColdpatchError(
      'filesystem_unsupported',
      `Expected ${what} to be compressed by LZNT1, but its method is ${compression}.`,
    );
  }
  const unitClusters = 2 ** first.compressionUnit;
  if (first.compressionUnit === 0 || unitClusters * boot.clusterSize > largestUnit) {
    throw filesystemCorrupt(
      `Expected ${what} in compression units of at most ${largestUnit} bytes, but found 2^${first.compressionUnit} clusters.`,
    );
  }
  const { clusterSize } = boot;
  const { size, initializedSize } = first;
  return compressedContent(volume, { clusterSize, unitClusters, size, initializedSize, what }, mapper);
}

function asMapped(attribute: Attribute, what: string): MappedAttribute {
  if (attribute.kind !== 'mapped') {
    throw filesystemCorrupt(`Expected all parts of ${what} in clusters, but one is in a file record.`);
  }
  return attribute;
}
