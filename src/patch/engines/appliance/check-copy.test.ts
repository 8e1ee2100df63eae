import { expect, test } from 'vitest';
import { type CheckedMount, readCheckResults } from './check-copy.ts';

const good = [
  'fsck-text 0 /dev/vda1: 10/20 files',
  'fsck 0 0',
  'fsck-text 1 /dev/vda2: 1/20 files',
  'fsck 1 0',
  'audit 0',
];

const mounts: readonly CheckedMount[] = ['/', '/var'].map((path) => ({
  path,
  filesystem: { id: 'ext4', clean: true },
}));

function failed(results: readonly string[], of = mounts): readonly string[] {
  return readCheckResults(results, of)
    .filter(({ ok }) => !ok)
    .map(({ check }) => check);
}

test('what all programs find good passes', () => {
  expect(failed(good)).toEqual([]);
  expect(readCheckResults(good, mounts)[0]?.detail).toBe('e2fsck finds nothing wrong; 10/20 files');
});

test.each([
  ['a damaged filesystem', good.with(1, 'fsck 0 4'), ['filesystem /']],
  ['no answer at all', [], ['filesystem /', 'filesystem /var', 'package audit']],
  ['two answers', [...good, 'fsck 0 0'], ['filesystem /']],
  ['words of the audit', [...good, 'audit-text app is half installed'], ['package audit']],
])('%s does not pass', (_, results, checks) => expect(failed(results)).toEqual(checks));

test.each([
  ['fat', false, true],
  ['fat', true, false],
  ['xfs', false, false],
] as const)('exit code 1 for %s, unmounted before: %s, passes: %s', (id, clean, passes) => {
  const of = [{ path: '/boot/efi', filesystem: { id, clean } }];
  expect(failed(['fsck 0 1', 'audit 0'], of)).toEqual(passes ? [] : ['filesystem /boot/efi']);
});
