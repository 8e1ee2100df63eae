import { expect, test } from 'vitest';
import type { ManagedPlace } from '../../../disk/types.ts';
import { logicalVolumeOf } from './logical-volume-of.ts';

const root: ManagedPlace = {
  manager: 'lvm2',
  uuid: 'id',
  devices: ['/dev/my-group/root', '/dev/mapper/my--group-root', '/dev/disk/by-id/dm-name-my--group-root'],
  members: ['partition 2', 'disk'],
  segments: ['striped'],
};

test('a linear volume is known by both of its names', () => {
  expect(logicalVolumeOf({ managed: root })).toEqual({ name: 'my-group/root', mapperName: 'my--group-root' });
});

test.each<readonly [string, ManagedPlace | undefined]>([
  ['a partition', undefined],
  ['a volume with a thin part', { ...root, segments: ['striped', 'thin'] }],
  ['a mirror', { ...root, segments: ['raid1'] }],
  ['a volume on an array', { ...root, members: ['partition 2', 'md0'] }],
  ['an array', { manager: 'md', uuid: 'id', devices: ['/dev/md0', '/dev/mapper/md0'], members: ['disk'] }],
  ['a name that is none', { ...root, devices: ['/dev/-y/root', '/dev/mapper/x'] }],
])('%s is not activated', (_, managed) => {
  expect(logicalVolumeOf(managed ? { managed } : {})).toBeUndefined();
});
