import { expect, test } from 'vitest';
import { readCheckResults } from './check-copy.ts';

const good = [
  'fsck-text 0 /dev/vda1: 10/20 files',
  'fsck 0 0',
  'fsck-text 1 /dev/vda2: 1/20 files',
  'fsck 1 0',
  'audit 0',
];

function failed(results: readonly string[]): readonly string[] {
  return readCheckResults(results, ['/', '/var'])
    .filter(({ ok }) => !ok)
    .map(({ check }) => check);
}

test('what all programs find good passes', () => {
  expect(failed(good)).toEqual([]);
  expect(readCheckResults(good, ['/', '/var'])[0]?.detail).toBe('e2fsck finds nothing wrong; 10/20 files');
});

test.each([
  ['a damaged filesystem', good.with(1, 'fsck 0 4'), ['filesystem /']],
  ['no answer at all', [], ['filesystem /', 'filesystem /var', 'package audit']],
  ['two answers', [...good, 'fsck 0 0'], ['filesystem /']],
  ['words of the audit', [...good, 'audit-text app is half installed'], ['package audit']],
])('%s does not pass', (_, results, checks) => expect(failed(results)).toEqual(checks));
