/** The REST interface over a real server and each database: who may do what, what is answered, and what is malformed. */
import { fastify } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { guardRoutes } from '../src/api/guard-routes.ts';
import { createRateLimiter } from '../src/api/rate-limiter.ts';
import { startApi } from '../src/api/start-api.ts';
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

describe('requests that another program passes on', () => {
  const ask = async (behindProxy: boolean, forwarded: readonly string[]): Promise<readonly number[]> => {
    const application = {} as ApiUnderTest['application'];
    const address = { host: '127.0.0.1', port: 0, requestsPerSecond: 1 };
    const api = await startApi({ ...address, application, behindProxy });
    const statuses: number[] = [];
    for (const address of forwarded) {
      const headers = { 'x-forwarded-for': address };
      statuses.push((await fetch(`${api.url}/health/live`, { headers })).status);
    }
    await api.stop();
    return statuses;
  };
  const six = Array.from({ length: 6 }, (_, index) => `10.0.0.${index}`);

  test('are limited by whose they are', async () => {
    expect(await ask(true, six)).toEqual([200, 200, 200, 200, 200, 200]);
  });

  test('are limited together where nobody is said to pass them on, or when only the client says so', async () => {
    expect((await ask(false, six)).at(-1)).toBe(429);
    expect(
      (
        await ask(
          true,
          six.map((address) => `${address}, 10.1.1.1`),
        )
      ).at(-1),
    ).toBe(429);
  });
});

test('a rate limit lets so many through, and more later', () => {
  let now = 0;
  const limiter = createRateLimiter({ burst: 2, perSecond: 1, now: () => now });
  expect([1, 2, 3].map(() => limiter.take('a'))).toEqual([true, true, false]);
  expect(limiter.take('b')).toBe(true);
  expect(['a', 'b', 'new'].map((key) => limiter.hasLeft(key))).toEqual([false, true, true]);
  now = 1000;
  expect([1, 2].map(() => limiter.take('a'))).toEqual([true, false]);
});
