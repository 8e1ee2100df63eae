import type { ByteSource } from '../lib/byte-source.ts';
import { isColdpatchError } from '../lib/errors.ts';
import type { Gap, GapReason } from '../lib/gap.ts';
import { recogniseContainer, recogniseFilesystem } from './filesystems/recognise.ts';
import { filesystemFormats } from './filesystems/registry.ts';
import type { FilesystemFormat } from './filesystems/types.ts';
import { needsNoFilesystem } from './needs-no-filesystem.ts';
import type { Partition } from './partition-tables/types.ts';
import type { Volume } from './types.ts';

export interface OpenedVolume {
  readonly volume: Volume;
  readonly gaps: readonly Gap[];
}

/** Finds out what is on one partition, or on a whole disk, and opens it when it holds files. */
export function openVolume(bytes: ByteSource, partition: Partition | undefined): OpenedVolume {
  const name = partition === undefined ? 'disk' : `partition ${partition.number}`;
  const volume: Volume = {
    name,
    ...(partition === undefined ? {} : { partition }),
    start: partition?.start ?? 0n,
    size: bytes.size,
    bytes,
  };
  const container = recogniseContainer(bytes);
  if (container !== undefined) {
    return { volume, gaps: [notRead(name, container.reason, container.detail)] };
  }
  const format = filesystemFormats.find((candidate) => candidate.detect(bytes).answer !== 'no');
  if (format !== undefined) {
    return openContent(volume, format);
  }
  const known = recogniseFilesystem(bytes);
  if (known !== undefined) {
    return { volume, gaps: [notRead(name, known.reason, known.detail)] };
  }
  const isExpected = partition !== undefined && needsNoFilesystem(partition);
  return {
    volume,
    gaps: isExpected ? [] : [notRead(name, 'unsupported', 'holds nothing that coldpatch knows')],
  };
}

function openContent(volume: Volume, format: FilesystemFormat): OpenedVolume {
  const detection = format.detect(volume.bytes);
  try {
    const described: Volume = {
      ...volume,
      content: { format: format.id, ...format.describe(volume.bytes) },
    };
    if (detection.answer === 'unreadable') {
      return { volume: described, gaps: [notRead(volume.name, 'unsupported', detection.detail)] };
    }
    if (format.open === undefined) {
      return { volume: described, gaps: [] };
    }
    const filesystem = format.open(volume.bytes);
    return {
      volume: { ...described, filesystem },
      gaps: filesystem.gaps.map((gap) => ({ ...gap, where: `${volume.name}, ${gap.where}` })),
    };
  } catch (error) {
    const reason = reasonOf(error);
    if (reason === undefined) {
      throw error;
    }
    return { volume, gaps: [{ where: volume.name, reason, detail: (error as Error).message }] };
  }
}

/** Undefined for what stands in the way of the whole image. */
function reasonOf(error: unknown): GapReason | undefined {
  if (isColdpatchError(error, 'filesystem_unsupported')) {
    return 'unsupported';
  }
  if (isColdpatchError(error, 'filesystem_corrupt')) {
    return 'corrupt';
  }
  return isColdpatchError(error, 'limit_exceeded') ? 'limit' : undefined;
}

function notRead(where: string, reason: GapReason, detail: string): Gap {
  const subject = where === 'disk' ? 'The disk' : where.replace('partition', 'Partition');
  return { where, reason, detail: `${subject} ${detail}; it was not read.` };
}
