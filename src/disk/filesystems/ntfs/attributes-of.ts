import { type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { clusterMapper } from './cluster-mapper.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { attributeType } from './layout.ts';
import { mappedContent } from './mapped-content.ts';
import type { Attribute } from './parse-attribute.ts';
import { type ListedAttribute, parseAttributeList } from './parse-attribute-list.ts';
import type { BootSector } from './parse-boot-sector.ts';
import type { FileRecord } from './parse-record.ts';

/** Windows never makes a longer one. */
const longestList = 256 * 1024;

/** An attribute of a file, or a part of one; what is in another record is read when it is wanted. */
export interface AttributePart {
  readonly type: number;
  readonly name: string;
  readonly firstCluster: number;
  /** The record that holds it. */
  readonly record: number;
  readonly load: () => Attribute;
}

/** All parts of all attributes of a file, out of its record and those that its attribute list names. */
export function attributesOf(
  metadata: ByteSource,
  boot: BootSector,
  base: FileRecord,
  recordOf: (number: number) => FileRecord,
): readonly AttributePart[] {
  const what = `file record ${base.number}`;
  const list = base.attributes.find(({ type }) => type === attributeType.attributeList);
  if (list === undefined) {
    return base.attributes.map((attribute) => ({
      type: attribute.type,
      name: attribute.name,
      firstCluster: attribute.kind === 'mapped' ? attribute.firstCluster : 0,
      record: base.number,
      load: () => attribute,
    }));
  }
  return parseAttributeList(listBytes(metadata, boot, list, what), what).map((listed) => ({
    type: listed.type,
    name: listed.name,
    firstCluster: listed.firstCluster,
    record: listed.reference.record,
    load: () => locate(listed, base, recordOf),
  }));
}

function listBytes(metadata: ByteSource, boot: BootSector, list: Attribute, what: string): Uint8Array {
  if (list.kind === 'resident') {
    return list.value;
  }
  if (list.size > longestList) {
    throw new ColdpatchError(
      'limit_exceeded',
      `Expected at most ${longestList} bytes in the attribute list of ${what}, but found ${list.size}.`,
    );
  }
  const mapper = clusterMapper({ firsts: [0], load: () => list }, boot.clusters, what);
  return readBytes(mappedContent(metadata, boot.clusterSize, list, mapper), 0n, list.size);
}

function locate(
  listed: ListedAttribute,
  base: FileRecord,
  recordOf: (number: number) => FileRecord,
): Attribute {
  const { record: number, sequence } = listed.reference;
  const record = number === base.number ? base : recordOf(number);
  const isOurs =
    record === base || (record.base?.record === base.number && record.base.sequence === base.sequence);
  if (!isOurs || record.sequence !== sequence) {
    throw filesystemCorrupt(
      `Expected file record ${number} to belong to file record ${base.number}, but it belongs elsewhere.`,
    );
  }
  const found = record.attributes.find(
    ({ type, name, instance }) =>
      type === listed.type && name === listed.name && instance === listed.instance,
  );
  const firstCluster = found?.kind === 'mapped' ? found.firstCluster : 0;
  if (found === undefined || firstCluster !== listed.firstCluster) {
    throw filesystemCorrupt(
      `Expected an attribute of type 0x${listed.type.toString(16)} in file record ${number}, but it is not there.`,
    );
  }
  return found;
}
