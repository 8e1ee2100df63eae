import type { ByteSource } from '../../../lib/byte-source.ts';
import { peek } from '../../peek.ts';
import {
  bootRecord,
  descriptor,
  descriptorType,
  firstDescriptor,
  identifier,
  jolietEscapes,
  mostDescriptors,
  recognitionIdentifiers,
  sectorBytes,
  udfIdentifiers,
} from './layout.ts';

export interface VolumeDescriptors {
  /** The primary descriptor. */
  readonly primary: Buffer;
  /** The supplementary descriptor of Joliet. */
  readonly joliet?: Buffer;
  readonly bootCatalogSector?: number;
  readonly hasUdf: boolean;
}

/** The descriptors from sector 16 on, or undefined when there is no primary one among them. */
export function readVolumeDescriptors(volume: ByteSource): VolumeDescriptors | undefined {
  let primary: Buffer | undefined;
  let joliet: Buffer | undefined;
  let bootCatalogSector: number | undefined;
  let hasUdf = false;
  let isEnded = false;
  for (let index = 0; index < mostDescriptors; index += 1) {
    const bytes = peek(volume, BigInt((firstDescriptor + index) * sectorBytes), sectorBytes);
    const found = bytes?.toString('latin1', descriptor.identifier, descriptor.identifier + identifier.length);
    if (bytes === undefined || found === undefined || !recognitionIdentifiers.includes(found)) {
      break;
    }
    hasUdf ||= udfIdentifiers.includes(found);
    const type = bytes.readUInt8(descriptor.type);
    if (found !== identifier || isEnded) {
      continue;
    }
    if (type === descriptorType.end) {
      isEnded = true;
    } else if (type === descriptorType.primary) {
      primary ??= bytes;
    } else if (type === descriptorType.supplementary && isJoliet(bytes)) {
      joliet ??= bytes;
    } else if (type === descriptorType.boot && isElTorito(bytes)) {
      bootCatalogSector ??= bytes.readUInt32LE(bootRecord.catalog);
    }
  }
  return primary === undefined
    ? undefined
    : {
        primary,
        ...(joliet === undefined ? {} : { joliet }),
        ...(bootCatalogSector === undefined ? {} : { bootCatalogSector }),
        hasUdf,
      };
}

function isJoliet(bytes: Buffer): boolean {
  return jolietEscapes.includes(bytes.toString('latin1', descriptor.escapes, descriptor.escapes + 3));
}

function isElTorito(bytes: Buffer): boolean {
  const end = bootRecord.system + bootRecord.systemName.length;
  return bytes.toString('latin1', bootRecord.system, end) === bootRecord.systemName;
}
