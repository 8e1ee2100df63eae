import type { Gap } from '../lib/gap.ts';
import { recogniseContainer, recogniseFilesystem } from './filesystems/recognise.ts';
import { filesystemFormats } from './filesystems/registry.ts';
import type { FilesystemFormat } from './filesystems/types.ts';
import { gapOfContent } from './gap-of-content.ts';
import { needsNoFilesystem } from './needs-no-filesystem.ts';
import { notRead } from './not-read.ts';
import { recogniseSlice } from './partition-tables/bsd/recognise-slice.ts';
import type { Volume } from './types.ts';

export interface OpenedVolume {
  readonly volume: Volume;
  readonly gaps: readonly Gap[];
}

/** Finds out what is on a volume that belongs to no volume manager, and opens it when it holds files. */
export function openVolume(volume: Volume): OpenedVolume {
  try {
    return openKnown(volume);
  } catch (error) {
    return { volume, gaps: [gapOfContent(volume, error)] };
  }
}

function openKnown(volume: Volume): OpenedVolume {
  const { name, bytes, partition } = volume;
  const container = recogniseContainer(bytes);
  if (container !== undefined) {
    return { volume, gaps: [notRead(name, container.reason, container.detail)] };
  }
  const slice = partition === undefined ? undefined : recogniseSlice(partition, bytes);
  if (slice !== undefined) {
    return { volume, gaps: [notRead(name, 'unsupported', slice)] };
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
}
