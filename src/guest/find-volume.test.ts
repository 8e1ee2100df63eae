import { expect, test } from 'vitest';
import type { Volume } from '../disk/types.ts';
import { findVolume } from './find-volume.ts';
import { memoryImage } from './fixtures/memory-image.ts';

const [boot, member] = memoryImage([{}, {}]).volumes as readonly [Volume, Volume];
const { partition: _, ...whole } = member;
const content = {
  format: 'ext4',
  uuid: '0d4d2b5c-63f2-4c6e-9c0b-5a1f8a2b3c4d',
  label: 'root',
  properties: {},
} as const;
const root: Volume = {
  ...whole,
  name: 'vg/root',
  start: undefined,
  content,
  managed: {
    manager: 'lvm2',
    uuid: 'id',
    devices: ['/dev/vg/root', '/dev/mapper/vg-root'],
    members: [member.name],
  },
};
const inArray: Volume = {
  ...member,
  name: 'md0, partition 2',
  start: undefined,
  managed: { manager: 'md', uuid: 'id', devices: ['/dev/md0p2'], members: [member.name] },
};
const volumes = [root, inArray, boot, member];

test.each([
  ['/dev/vg/root', root],
  ['/dev/mapper/vg-root', root],
  [`UUID=${content.uuid.toUpperCase()}`, root],
  ['/dev/disk/by-label/root', root],
  ['/dev/md0p2', inArray],
  ['/dev/sda1', boot],
  ['/dev/nvme0n1p2', member],
  ['/dev/sda', undefined],
  ['/dev/mapper/vg-swap', undefined],
])('%s is found, and only as what it is', (spec, volume) => {
  expect(findVolume(volumes, spec)).toBe(volume);
});
