import type { ByteSource } from '../../../lib/byte-source.ts';
import { peek } from '../../peek.ts';
import { bootCatalog, platforms, sectorBytes } from './layout.ts';

/** For which firmware El Torito's catalog has something to start; empty when the catalog is damaged. */
export function readBootPlatforms(volume: ByteSource, sector: number): readonly string[] {
  const bytes = peek(volume, BigInt(sector) * BigInt(sectorBytes), sectorBytes);
  if (bytes === undefined || !isValid(bytes)) {
    return [];
  }
  const found = [bytes.readUInt8(bootCatalog.platform)];
  // After the validation entry and the default one, each section's header is followed by its entries.
  let at = 2 * bootCatalog.entryBytes;
  while (at + bootCatalog.entryBytes <= bytes.length) {
    const kind = bytes.readUInt8(at);
    if (kind !== bootCatalog.section && kind !== bootCatalog.lastSection) {
      break;
    }
    found.push(bytes.readUInt8(at + bootCatalog.platform));
    at += (1 + bytes.readUInt16LE(at + bootCatalog.sectionEntries)) * bootCatalog.entryBytes;
    if (kind === bootCatalog.lastSection) {
      break;
    }
  }
  return [...new Set(found.map((platform) => platforms[platform] ?? `platform ${platform}`))];
}

/** The sixteen words of the validation entry add up to nothing. */
function isValid(bytes: Buffer): boolean {
  let sum = 0;
  for (let at = 0; at < bootCatalog.entryBytes; at += 2) {
    sum += bytes.readUInt16LE(at);
  }
  return (
    bytes.readUInt8(0) === bootCatalog.validation &&
    bytes.readUInt16LE(bootCatalog.key) === bootCatalog.keyValue &&
    (sum & 0xffff) === 0
  );
}
