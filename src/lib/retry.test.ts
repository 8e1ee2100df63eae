import { describe, expect, test } from 'vitest';
import { ColdpatchError } from './errors.ts';
import { retry } from './retry.ts';

function failing(times: number, error: Error): () => Promise<number> {
  let calls = 0;
  return async () => {
    calls += 1;
    if (calls <= times) throw error;
    return calls;
  };
}

const unreachable = new ColdpatchError(
  'repository_unreachable',
  'Expected an answer, found none. Try again.',
);

describe('retry', () => {
  test('gives the result of the first attempt that succeeds', async () => {
    expect(await retry(failing(2, unreachable), { codes: ['repository_unreachable'] })).toBe(3);
  });

  test('throws the error of the third attempt', async () => {
    await expect(retry(failing(3, unreachable), { codes: ['repository_unreachable'] })).rejects.toBe(
      unreachable,
    );
  });

  test('does not repeat what would only fail again', async () => {
    const stale = new ColdpatchError('repository_stale', 'Expected fresh metadata, found old. Wait.');
    await expect(retry(failing(1, stale), { codes: ['repository_unreachable'] })).rejects.toBe(stale);
  });
});
