/** The REST interface over a real server and each database: who may do what, what is answered, and what is malformed. */
import { fastify } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { guardRoutes } from '../src/api/guard-routes.ts';
import { createRateLimiter } from '../src/api/rate-limiter.ts';
import { testAccess } from './support/access-contract.ts';
import { type ApiUnderTest, databases, startApiUnderTest } from './support/api-under-test.ts';
import { testLists } from './support/lists-contract.ts';
import { testRequests } from './support/requests-contract.ts';

describe.each(databases)('on %s', (kind) => {
  let running: ApiUnderTest;
  beforeAll(async () => {
    running = await startApiUnderTest(kind);
    await running.idle();
  });
  afterAll(() => running.end());

  testAccess(() => running);
  testRequests(() => running);
  testLists(() => running);

  test('a route without a rule cannot be added', () => {
    const bare = fastify();
    const context = { application: running.application, ended: new AbortController().signal };
    guardRoutes(bare, context, { requestsPerSecond: 1 });
    expect(() => bare.get('/open', () => '')).toThrow('has none');
  });
});

test('a rate limit lets so many through, and more later', () => {
  let now = 0;
  const limiter = createRateLimiter({ burst: 2, perSecond: 1, now: () => now });
  expect([1, 2, 3].map(() => limiter.take('a'))).toEqual([true, true, false]);
  expect(limiter.take('b')).toBe(true);
  now = 1000;
  expect([1, 2].map(() => limiter.take('a'))).toEqual([true, false]);
});
