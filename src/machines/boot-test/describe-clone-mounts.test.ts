import { expect, test } from 'vitest';
import { describeCloneMounts } from './describe-clone-mounts.ts';

const root = { path: '/', filesystem: 'ext4', number: 1, start: 1_048_576n };

test('plain partitions of ext4 are mounted, and others are not', () => {
  const boot = { path: '/boot', filesystem: 'ext4', number: 2, start: 2_097_152n };
  const esp = { path: '/boot/efi', filesystem: 'fat', number: 3, start: 4_194_304n };
  expect(describeCloneMounts([root, boot, esp])).toEqual({ lines: '1 2048 /\n2 4096 /boot\n' });
});

test.each([
  ['no root', []],
  ['a root on XFS', [{ ...root, filesystem: 'xfs' }]],
  ['a root in a volume group', [{ ...root, start: undefined }]],
] as const)('%s is a reason', (_, mounts) =>
  expect(describeCloneMounts(mounts)).toMatchObject({ reason: expect.any(String) as string }),
);
