import type { ChainMember, OpenedImage, Volume } from '../disk/types.ts';
import { ColdpatchError } from '../lib/errors.ts';
import type { InspectedFile, InspectedVolume, Inspection } from './inspection.ts';
import type { GuestMount } from './mount-guest.ts';
import { type GuestReading, readGuest } from './read-guest.ts';
import type { Freshness } from './state/read-freshness.ts';

/**
 * Everything that can be told of an image without starting it.
 * @param reading what `readGuest` found in this image, when it was read already.
 */
export function inspectImage(image: OpenedImage, reading: GuestReading = readGuest(image)): Inspection {
  const [first] = image.chain;
  if (first === undefined) throw new ColdpatchError('internal', 'An image was opened without any file.');
  const { operatingSystem, packages, kernels, boot, identity } = reading.partial;
  return {
    image: { ...inspectFile(first), chain: image.chain.map(inspectFile) },
    layout: {
      partitionTable: image.partitionTable?.id ?? null,
      volumes: image.volumes.map((volume) => inspectVolume(volume, reading.mounts)),
    },
    operatingSystem: operatingSystem ?? null,
    packages: packages ?? [],
    kernels: kernels ?? [],
    boot: boot ?? null,
    identity: identity ?? null,
    state: {
      clean: reading.clean,
      hibernated: reading.hibernatedIn !== undefined,
      brokenPackages: reading.database?.brokenPackages ?? [],
      ...(reading.freshness ?? unknownFreshness),
    },
    gaps: reading.gaps,
  };
}

const unknownFreshness: Freshness = {
  lastBootAt: null,
  lastShutdownAt: null,
  lastPackageChangeAt: null,
  pendingOfflineUpdate: false,
};

function inspectFile({ path, header, compression, fileSize }: ChainMember): InspectedFile {
  return {
    path,
    format: header.format,
    compression: compression ?? null,
    virtualSize: exactNumber(header.virtualSize),
    fileSize: exactNumber(fileSize),
  };
}

function inspectVolume(volume: Volume, mounts: readonly GuestMount[]): InspectedVolume {
  const { content, filesystem, partition } = volume;
  return {
    name: volume.name,
    start: volume.start === undefined ? null : exactNumber(volume.start),
    size: exactNumber(volume.size),
    type: partition?.type ?? null,
    manager: volume.managed?.manager ?? null,
    container: volume.container?.manager ?? null,
    uuid: content?.uuid || null,
    label: content?.label || null,
    filesystem: content?.format ?? null,
    free: filesystem === undefined ? null : exactNumber(filesystem.freeBytes),
    clean: filesystem?.clean ?? null,
    mountPoint: mounts.find((mount) => mount.volume === volume)?.path ?? null,
  };
}

/** JSON has no integers above 2^53; no disk is that large, but a header may say so. */
function exactNumber(value: bigint): number {
  if (value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value);
  throw new ColdpatchError(
    'limit_exceeded',
    `Expected sizes and offsets below 2^53 bytes, found ${value}. The header of the image is damaged.`,
  );
}
