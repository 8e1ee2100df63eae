import type { Partition } from '../../disk/partition-tables/types.ts';

/** Kernels of ChromeOS; the root of each is the partition with the next number. */
const kernelType = 'fe3a2a5d-4f32-41a7-b725-accc3285a309';
const rootType = '3cb8e202-3b7e-47dd-8a3c-7ff2a13cfcec';
/** /usr of Flatcar (and CoreOS Container Linux before), with the attributes of the scheme itself. */
const usrType = '5dfbf5f4-2848-4bac-aa5e-0d9a20b745a6';

export interface ActiveSlot {
  readonly holds: 'root' | 'usr';
  readonly partition: Partition;
}

/**
 * The partition that starts next of a system with two slots in the manner of ChromeOS: the one of the highest
 * priority that was started with success before, or has tries left. Undefined when there is no such, or no single one.
 */
export function activeSlot(partitions: readonly Partition[]): ActiveSlot | undefined {
  const usr = best(partitions.filter(({ type }) => type === usrType));
  if (usr !== undefined) return { holds: 'usr', partition: usr };
  const kernel = best(partitions.filter(({ type }) => type === kernelType));
  const root = partitions.find(
    ({ type, number }) => type === rootType && number === (kernel?.number ?? 0) + 1,
  );
  return root && { holds: 'root', partition: root };
}

function best(slots: readonly Partition[]): Partition | undefined {
  const startable = slots.filter((slot) => {
    const { priority, tries, successful } = attributesOf(slot);
    return priority > 0 && (successful || tries > 0);
  });
  const highest = Math.max(...startable.map((slot) => attributesOf(slot).priority));
  const chosen = startable.filter((slot) => attributesOf(slot).priority === highest);
  return chosen.length === 1 ? chosen[0] : undefined;
}

/** Bits 48 to 56 of a GPT entry belong to the type of its partition. */
function attributesOf({ attributes = 0n }: Partition) {
  return {
    priority: Number((attributes >> 48n) & 15n),
    tries: Number((attributes >> 52n) & 15n),
    successful: ((attributes >> 56n) & 1n) === 1n,
  };
}
