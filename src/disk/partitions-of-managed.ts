import { sliceOf } from '../lib/byte-source.ts';
import type { Gap } from '../lib/gap.ts';
import { gapOfContent } from './gap-of-content.ts';
import { readPartitions } from './read-partitions.ts';
import type { ManagedPlace, Volume } from './types.ts';

export interface DividedVolume {
  readonly volumes: readonly Volume[];
  readonly gaps: readonly Gap[];
}

/** The partitions inside an array, as the kernel looks for them; or the array itself when it has none. */
export function partitionsOfManaged(volume: Volume): DividedVolume {
  const { name, managed, bytes } = volume;
  try {
    const table = readPartitions(bytes);
    if (table === undefined || managed === undefined) return { volumes: [volume], gaps: [] };
    const inside = table.partitions.filter(({ start, size }) => start + size <= bytes.size);
    const cut = table.partitions
      .filter((partition) => !inside.includes(partition))
      .map(({ number }): Gap => {
        const detail = `Expected partition ${number} to end inside ${name}, but it does not; it was not read.`;
        return { where: `${name}, partition ${number}`, reason: 'corrupt', detail };
      });
    return {
      volumes: inside.map((partition) => ({
        name: `${name}, partition ${partition.number}`,
        partition,
        managed: placeOf(managed, partition.number),
        start: undefined,
        size: partition.size,
        bytes: sliceOf(bytes, partition.start, partition.size),
      })),
      gaps: [...table.gaps.map((gap) => ({ ...gap, where: `${name}, ${gap.where}` })), ...cut],
    };
  } catch (error) {
    return { volumes: [volume], gaps: [gapOfContent(volume, error)] };
  }
}

/** `/dev/md0p1`, but `/dev/md/boot1`; udev's links say `-part1`. */
function placeOf(managed: ManagedPlace, number: number): ManagedPlace {
  const devices = managed.devices.map((device) => {
    if (device.startsWith('/dev/disk/')) return `${device}-part${number}`;
    return /\d$/.test(device) ? `${device}p${number}` : `${device}${number}`;
  });
  return { ...managed, devices };
}
