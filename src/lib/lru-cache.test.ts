import { expect, test } from 'vitest';
import { createLruCache } from './lru-cache.ts';

test('forgets the value that was not used for the longest time', () => {
  const cache = createLruCache<string, number>(2);
  cache.set('a', 1);
  cache.set('b', 2);
  cache.get('a');
  expect(cache.set('c', 3)).toBe(2);
  expect(cache.get('a')).toBe(1);
  expect(cache.get('b')).toBeUndefined();
  expect(cache.get('c')).toBe(3);
});
