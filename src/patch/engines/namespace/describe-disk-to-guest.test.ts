import { expect, test } from 'vitest';
import { memoryFilesystem } from '../../../guest/fixtures/memory-filesystem.ts';
import type { GuestMount } from '../../../guest/mount-guest.ts';
import { describeDiskToGuest } from './describe-disk-to-guest.ts';

const group = 'aaaaaabbbbccccddddeeeeffffgggggg';
const volume = 'hhhhhhiiiijjjjkkkkllllmmmmnnnnnn';

const root = {
  path: '/',
  filesystem: { ...memoryFilesystem({}), id: 'ext4', uuid: 'uuid-of-root' },
  volume: {
    name: 'my-group/root',
    managed: {
      manager: 'lvm2',
      uuid: '',
      devices: [
        '/dev/my-group/root',
        '/dev/mapper/my--group-root',
        `/dev/disk/by-id/dm-uuid-LVM-${group}${volume}`,
      ],
      members: ['partition 2'],
    },
  },
} as unknown as GuestMount;

test('a logical volume is told as GRUB itself names it, and by all names that udev gives it', () => {
  const { grubProbeAnswers, links } = describeDiskToGuest(
    { mounts: [root], partitionTable: 'gpt', hasPolicyRcD: false },
    new Map([['uuid-of-root', 'my-group/root']]),
  );
  const id = 'lvmid/aaaaaa-bbbb-cccc-dddd-eeee-ffff-gggggg/hhhhhh-iiii-jjjj-kkkk-llll-mmmm-nnnnnn';
  const device = '/dev/mapper/my--group-root';
  expect(grubProbeAnswers).toEqual(
    expect.arrayContaining([
      `path / ${device}`,
      `device ${device} abstraction lvm`,
      `device ${device} partmap gpt`,
      `device ${device} drive (${id})`,
      `device ${device} hints_string --hint='${id}'`,
      `device ${device} compatibility_hint ${id}`,
    ]),
  );
  expect(links).toEqual([
    'my-group/root /dev/my-group/root',
    `my-group/root /dev/disk/by-id/dm-uuid-LVM-${group}${volume}`,
    'my-group/root /dev/disk/by-uuid/uuid-of-root',
  ]);
});
