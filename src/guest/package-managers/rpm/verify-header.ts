import { createHash } from 'node:crypto';
import { binaryReader } from '../../../lib/binary-reader.ts';
import { databaseCorrupt } from './database-corrupt.ts';
import { entry, intro, magic, tags, types } from './header-layout.ts';
import { type RpmHeader, readEntry } from './parse-header.ts';

/**
 * Compares a header with the digest that it was built with. What rpm added when it installed the package is outside
 * of the region that the digest is of. Headers older than rpm 4.0 have no such region, and are not compared.
 *
 * @throws `package_database_unreadable`
 */
export function verifyHeader(header: RpmHeader): void {
  const digest = header.text(tags.sha256) ?? header.text(tags.sha1);
  const region = header.find(tags.immutableRegion);
  if (digest === undefined || region === undefined) return;
  const { bytes, dataStart } = header;
  const reader = binaryReader(bytes, {
    order: 'big',
    code: 'package_database_unreadable',
    what: 'the header of a package',
  });
  if (region.type !== types.binary || region.count !== entry.size || region.offset < 0) {
    throw databaseCorrupt('a region in the header of a package', 'something else');
  }
  const trailer = readEntry(reader, dataStart + region.offset);
  const entriesLength = -trailer.offset;
  const dataLength = region.offset + entry.size;
  if (entriesLength <= 0 || entriesLength % entry.size !== 0 || intro.size + entriesLength > dataStart) {
    throw databaseCorrupt('a region inside the header of a package', `one of ${entriesLength} bytes`);
  }
  const lengths = Buffer.alloc(intro.size);
  lengths.writeUInt32BE(entriesLength / entry.size, intro.entryCount);
  lengths.writeUInt32BE(dataLength, intro.dataLength);
  const found = createHash(header.text(tags.sha256) === undefined ? 'sha1' : 'sha256')
    .update(magic)
    .update(lengths)
    .update(reader.bytes(intro.size, entriesLength))
    .update(reader.bytes(dataStart, dataLength))
    .digest('hex');
  if (found !== digest) {
    throw databaseCorrupt(`the header that has the digest ${digest.slice(0, 64)}`, `one with ${found}`);
  }
}
