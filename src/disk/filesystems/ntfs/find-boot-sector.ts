import type { ByteSource } from '../../../lib/byte-source.ts';
import { isColdpatchError } from '../../../lib/errors.ts';
import type { Gap } from '../../../lib/gap.ts';
import { peek } from '../../peek.ts';
import { bootSectorBytes } from './layout.ts';
import { type BootSector, isBootSector, parseBootSector } from './parse-boot-sector.ts';

export interface FoundBootSector {
  readonly boot: BootSector;
  /** That the copy had to be used. */
  readonly gaps: readonly Gap[];
}

/** The boot sector, or when it is damaged the copy in the last sector of the volume. */
export function findBootSector(volume: ByteSource): FoundBootSector {
  const first = peek(volume, 0n, bootSectorBytes);
  try {
    return { boot: parseBootSector(first ?? Buffer.alloc(0)), gaps: [] };
  } catch (error) {
    if (!isColdpatchError(error, 'filesystem_corrupt')) {
      throw error;
    }
    const boot = findCopy(volume);
    if (boot === undefined) {
      throw error;
    }
    const detail = `${error.message} The copy at the end of the volume was used.`;
    return { boot, gaps: [{ where: 'boot sector', reason: 'corrupt', detail }] };
  }
}

/** The copy stands in the last sector, which is not part of the volume's own count; sectors have 512 bytes or 4 KiB. */
export function findCopy(volume: ByteSource): BootSector | undefined {
  for (const sectorSize of [512n, 4096n]) {
    const copy = peek(volume, volume.size - sectorSize, bootSectorBytes);
    if (copy === undefined || !isBootSector(copy)) {
      continue;
    }
    const boot = soundOrUndefined(copy);
    if (boot !== undefined && boot.totalBytes + BigInt(boot.sectorSize) === volume.size) {
      return boot;
    }
  }
  return undefined;
}

function soundOrUndefined(copy: Buffer): BootSector | undefined {
  try {
    return parseBootSector(copy);
  } catch (error) {
    if (isColdpatchError(error, 'filesystem_corrupt')) {
      return undefined;
    }
    throw error;
  }
}
