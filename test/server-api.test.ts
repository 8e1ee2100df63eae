/** The REST interface over a real server and database: who may do what, and what is malformed. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fastify } from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Role } from '../src/app/server/application.ts';
import { type RunningServer, startServer } from '../src/app/serve.ts';
import { serverSchema } from '../src/config/server-schema.ts';
import { guardRoutes } from '../src/api/guard-routes.ts';
import { createRateLimiter } from '../src/api/rate-limiter.ts';
import { type Access, roles } from '../src/api/roles.ts';
import { type RunningApi, startApi } from '../src/api/start-api.ts';

/** Written down a second time on purpose: a route that is missing here is red, and so is one whose rule was changed. */
const rules: Readonly<Record<string, Access>> = {
  'GET /': 'viewer',
  'GET /metrics': 'viewer',
  'GET /health/live': 'public',
  'GET /health/ready': 'public',
  'GET /api/v1/openapi.json': 'public',
  'GET /api/v1/sources': 'viewer',
  'GET /api/v1/sources/:id/policy': 'viewer',
  'PUT /api/v1/sources/:id/policy': 'admin',
  'DELETE /api/v1/sources/:id/policy': 'admin',
  'POST /api/v1/sources/:id/collect': 'operator',
  'GET /api/v1/images': 'viewer',
  'GET /api/v1/images/:id': 'viewer',
  'GET /api/v1/images/:id/inspection': 'viewer',
  'GET /api/v1/images/:id/findings': 'viewer',
  'GET /api/v1/images/:id/generations': 'viewer',
  'POST /api/v1/images/:id/runs': 'operator',
  'POST /api/v1/images/:id/release': 'operator',
  'GET /api/v1/runs': 'viewer',
  'GET /api/v1/runs/:id': 'viewer',
  'GET /api/v1/runs/:id/events': 'viewer',
  'GET /api/v1/runs/:id/attestation': 'viewer',
  'POST /api/v1/runs/:id/cancel': 'operator',
  'POST /api/v1/runs/:id/pause': 'operator',
  'POST /api/v1/runs/:id/resume': 'operator',
  'POST /api/v1/runs/:id/approve': 'approver',
  'GET /api/v1/audit': 'admin',
  'GET /api/v1/tokens': 'admin',
  'POST /api/v1/tokens': 'admin',
  'DELETE /api/v1/tokens/:id': 'admin',
};

let folder: string;
let server: RunningServer;
let api: RunningApi;
const tokens = new Map<Role, string>();
const faults: Error[] = [];
let log = '';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'api-'));
  const config = {
    cacheDirectory: folder,
    stateDirectory: folder,
    imageDirectories: [],
    generations: { defaults: {}, machines: {} },
    upgradeSeconds: 60,
    kvmProbeSeconds: 1,
  };
  const settings = serverSchema.parse({ sources: [{ id: 'lab', kind: 'folder', directory: folder }] });
  server = await startServer(config, settings, { onFault: (error) => faults.push(error as Error) });
  const { application } = server;
  api = await startApi({
    application,
    host: '127.0.0.1',
    port: 0,
    requestsPerSecond: 10_000,
    log: {
      write: (line) => {
        log += line;
      },
    },
  });
  tokens.set('admin', server.firstToken ?? '');
  for (const role of ['viewer', 'operator', 'approver'] as const) {
    const { body } = await ask('POST', '/api/v1/tokens', {
      role: 'admin',
      body: { name: role, role },
    });
    tokens.set(role, (body as { token: string }).token);
  }
});
afterAll(async () => {
  await api.stop();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
  if (faults[0]) throw faults[0];
});

interface Asking {
  readonly role?: Role;
  readonly token?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

async function ask(method: string, path: string, { role, token, body, headers }: Asking = {}) {
  const key = token ?? (role && tokens.get(role));
  const response = await fetch(`${api.url}${path}`, {
    method,
    headers: {
      ...(key !== undefined && { authorization: `Bearer ${key}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = /json/.test(response.headers.get('content-type') ?? '');
  return {
    status: response.status,
    headers: response.headers,
    body: (isJson ? JSON.parse(text) : text) as unknown,
  };
}

test('every route has the rule that is written down, and nothing else is there', () => {
  const found = api.routes
    .filter(({ method }) => method !== 'HEAD')
    .map(({ method, url }) => `${method} ${url}`);
  expect(found.toSorted()).toEqual(Object.keys(rules).toSorted());
});

describe.each(Object.entries(rules))('%s', (route, access) => {
  const [method = '', url = ''] = route.split(' ');
  const path = url.replace(':id', '00000000-0000-4000-8000-000000000000');
  const body = method === 'POST' || method === 'PUT' ? {} : undefined;

  test('without a token', async () => {
    const { status } = await ask(method, path, { body });
    expect(status).toBe(access === 'public' ? 200 : 401);
  });

  test.each(roles)('as %s', async (role) => {
    const { status } = await ask(method, path, { role, body });
    const allowed = access === 'public' || roles.indexOf(role) >= roles.indexOf(access);
    expect(status === 403).toBe(!allowed);
    expect(status).not.toBe(401);
    expect(status).toBeLessThan(500);
  });
});

test('a route without a rule cannot be added', () => {
  const bare = fastify();
  guardRoutes(
    bare,
    { application: server.application, ended: new AbortController().signal },
    { requestsPerSecond: 1 },
  );
  expect(() => bare.get('/open', () => '')).toThrow('has none');
});

describe('what is malformed is refused with a problem document', () => {
  test.each([
    ['POST', '/api/v1/tokens', '{', 400],
    ['POST', '/api/v1/tokens', { name: 'x', role: 'root' }, 400],
    ['POST', '/api/v1/tokens', { name: 'x', role: 'viewer', more: 1 }, 400],
    ['POST', '/api/v1/tokens', { name: 'x'.repeat(100_000), role: 'viewer' }, 413],
    ['GET', '/api/v1/images?limit=0', undefined, 400],
    ['GET', '/api/v1/images?cursor=..%2f..%2fetc', undefined, 400],
    ['GET', '/api/v1/images/..%2f..%2fetc%2fpasswd', undefined, 404],
    ['GET', '/api/v1/images/%00', undefined, 404],
    ['GET', '/api/v1/none', undefined, 404],
    ['PUT', '/api/v1/images', { a: 1 }, 404],
  ])('%s %s', async (method, path, body, expected) => {
    const { status, body: problem, headers } = await ask(method, path, { role: 'admin', body });
    expect(status).toBe(expected);
    expect(headers.get('content-type')).toContain('application/problem+json');
    expect(problem).toMatchObject({ status: expected, type: expect.stringMatching(/^urn:coldpatch:error:/) });
  });

  test('a wrong token is not told from none', async () => {
    for (const token of ['x', `coldpatch.${'0'.repeat(36)}.${'A'.repeat(43)}`]) {
      expect(await ask('GET', '/api/v1/images', { token })).toMatchObject({
        status: 401,
        body: { code: 'not_authenticated' },
      });
    }
  });
});

test('OpenAPI 3.1 describes every route of the API', async () => {
  const { body } = await ask('GET', '/api/v1/openapi.json');
  const document = body as { openapi: string; paths: Record<string, Record<string, unknown>> };
  expect(document.openapi).toBe('3.1.0');
  const described = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replace('{id}', ':id')}`),
  );
  const hidden = new Set(['GET /', 'GET /api/v1/openapi.json']);
  expect(described.toSorted()).toEqual(
    Object.keys(rules)
      .filter((route) => !hidden.has(route))
      .toSorted(),
  );
});

test('a token of one source does not see another, nor what it may not do', async () => {
  const made = await ask('POST', '/api/v1/tokens', {
    role: 'admin',
    body: { name: 'other', role: 'operator', sources: ['other'] },
  });
  const { token } = made.body as { token: string };
  expect((await ask('GET', '/api/v1/sources', { token })).body).toEqual({ items: [] });
  expect((await ask('GET', '/api/v1/runs', { token })).body).toEqual({ items: [], next: null });
  expect((await ask('POST', '/api/v1/sources/lab/collect', { token })).status).toBe(404);
  const { body } = await ask('GET', '/api/v1/tokens', { role: 'admin' });
  const { items } = body as { items: { id: string; name: string }[] };
  const id = items.find(({ name }) => name === 'other')?.id;
  expect((await ask('DELETE', `/api/v1/tokens/${id}`, { role: 'admin' })).status).toBe(204);
  expect((await ask('GET', '/api/v1/sources', { token })).status).toBe(401);
});

test('a run can be followed as events, until it ends', async () => {
  await expect
    .poll(
      async () =>
        ((await ask('GET', '/api/v1/runs', { role: 'viewer' })).body as { items: unknown[] }).items.length,
    )
    .toBeGreaterThan(0);
  const { body } = await ask('GET', '/api/v1/runs?kind=collect', { role: 'viewer' });
  const [run] = (body as { items: { id: string }[] }).items;
  const events = await ask('GET', `/api/v1/runs/${run?.id}/events`, { role: 'viewer' });
  expect(events.headers.get('content-type')).toBe('text/event-stream');
  expect(events.body).toMatch(/event: step\ndata: .*"step":"collect"/);
  expect(events.body).toMatch(/event: run\ndata: .*"state":"done"/);
  const last = /id: (\d+)\nevent: run/.exec(String(events.body))?.[1] ?? '';
  const rest = await ask('GET', `/api/v1/runs/${run?.id}/events`, {
    role: 'viewer',
    headers: { 'last-event-id': last },
  });
  expect(rest.body).not.toContain('event:');
});

test('what was refused and done is in the audit log, and no token is in it or in the log', async () => {
  const { body } = await ask('GET', '/api/v1/audit?limit=1000', { role: 'admin' });
  const text = JSON.stringify(body);
  expect(text).toContain('"action":"refused"');
  expect(text).toContain('"action":"token.create"');
  for (const token of tokens.values()) {
    expect(text).not.toContain(token);
    expect(log).not.toContain(token);
  }
});

test('the start page asks a browser for a token, and has no script', async () => {
  const { headers } = await ask('GET', '/');
  expect(headers.get('www-authenticate')).toMatch(/^Basic /);
  const authorization = `Basic ${btoa(`any:${tokens.get('viewer')}`)}`;
  const page = await ask('GET', '/', { headers: { authorization } });
  expect(page.status).toBe(200);
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
});

test('a policy is set by who has seen the one before, and given back to the file', async () => {
  const path = '/api/v1/sources/lab/policy';
  const before = await ask('GET', path, { role: 'viewer' });
  expect(before.body).toMatchObject({ origin: 'file', revision: 0, policy: { upgrade: 'never' } });
  const body = {
    upgrade: 'after_approval',
    neverTouch: ['linux-image-*'],
    windows: [{ cron: '0 22 * * sat', timeZone: 'Europe/Prague', minutes: 360 }],
  };
  const put = (wanted: unknown, tag: string) =>
    ask('PUT', path, { role: 'admin', body: wanted, headers: { 'if-match': tag } });
  expect((await put(body, '"7"')).status).toBe(409);
  expect((await put({ ...body, unknown: 1 }, '"0"')).status).toBe(400);
  expect((await put({ windows: [{ ...body.windows[0], cron: 'x' }] }, '"0"')).status).toBe(400);
  const seen = before.headers.get('etag') ?? '';
  expect((await put(body, seen)).body).toMatchObject({ origin: 'api', revision: 1, policy: body });
  expect((await put(body, seen)).status).toBe(409);
  const { body: sources } = await ask('GET', '/api/v1/sources', { role: 'viewer' });
  expect(sources).toMatchObject({ items: [{ id: 'lab', upgrade: 'after_approval' }] });
  expect((await ask('DELETE', path, { role: 'admin' })).status).toBe(204);
  expect((await ask('GET', path, { role: 'viewer' })).body).toEqual(before.body);
});

test('an answer that a client has is not sent again', async () => {
  for (const path of ['/api/v1/images', '/api/v1/sources', '/api/v1/runs?kind=collect', '/api/v1/tokens']) {
    const first = await ask('GET', path, { role: 'admin' });
    const tag = first.headers.get('etag') ?? '';
    expect(first).toMatchObject({ status: 200 });
    const again = (value: string) => ask('GET', path, { role: 'admin', headers: { 'if-none-match': value } });
    expect(await again(tag)).toMatchObject({ status: 304, body: '' });
    expect(await again(`"other", W/${tag}`)).toMatchObject({ status: 304 });
    expect(await again('"other"')).toMatchObject({ status: 200, body: first.body });
  }
});

describe('a request with an idempotency key', () => {
  const post = (path: string, key: string, body?: unknown, role: Role = 'admin') =>
    ask('POST', path, { role, body, headers: { 'idempotency-key': key } });

  test('is carried out once and answered the same, of one token', async () => {
    const first = await post('/api/v1/sources/lab/collect', 'monday');
    expect(first.status).toBe(202);
    const again = await post('/api/v1/sources/lab/collect', 'monday');
    expect(again).toMatchObject({ status: 202, body: first.body });
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    const other = await post('/api/v1/tokens', 'monday', { name: 'x', role: 'viewer' });
    expect(other).toMatchObject({ status: 409, body: { code: 'state_conflict' } });
    const { id } = first.body as { id: string };
    await expect
      .poll(async () => (await ask('GET', `/api/v1/runs/${id}`, { role: 'viewer' })).body)
      .toMatchObject({ state: 'done' });
    const elsewhere = await post('/api/v1/sources/lab/collect', 'monday', undefined, 'operator');
    expect((elsewhere.body as { id: string }).id).not.toBe(id);
  });

  test('that made a token does not tell it again, nor keep it', async () => {
    const made = await post('/api/v1/tokens', 'token', { name: 'kept', role: 'viewer' });
    const { token } = made.body as { token: string };
    const again = await post('/api/v1/tokens', 'token', { name: 'kept', role: 'viewer' });
    expect(again).toMatchObject({ status: 409 });
    const { body } = await ask('GET', '/api/v1/tokens', { role: 'admin' });
    const { items } = body as { items: { name: string }[] };
    expect(items.filter(({ name }) => name === 'kept')).toHaveLength(1);
    const secret = token.split('.')[2] ?? '';
    const files = readdirSync(folder).filter((name) => name.startsWith('coldpatch.db'));
    expect(files.length).toBeGreaterThan(0);
    for (const name of files) expect(readFileSync(join(folder, name)).includes(secret)).toBe(false);
  });

  test('that was refused may be sent again, and many at a time are one', async () => {
    const path = '/api/v1/runs/00000000-0000-4000-8000-000000000000/cancel';
    expect((await post(path, 'refused')).status).toBe(404);
    expect((await post(path, 'refused')).status).toBe(404);
    expect((await post('/api/v1/tokens', 'x'.repeat(201), { name: 'x', role: 'viewer' })).status).toBe(400);
    const all = await Promise.all(
      Array.from({ length: 20 }, () => post('/api/v1/tokens', 'many', { name: 'many', role: 'viewer' })),
    );
    expect(all.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(all.filter(({ status }) => status === 409)).toHaveLength(19);
  });
});

const junk = [
  '',
  '%',
  '%ff',
  "' OR 1=1 --",
  'x'.repeat(2000),
  '-1',
  '1e999',
  '{"$gt":1}',
  '../../etc/passwd',
  '\u0000',
];

test('nothing that is derived from the description of the API makes the server fail', async () => {
  const { body } = await ask('GET', '/api/v1/openapi.json');
  const { paths } = body as {
    paths: Record<string, Record<string, { parameters?: { name: string; in: string }[] }>>;
  };
  for (const [path, methods] of Object.entries(paths))
    for (const [method, { parameters = [] }] of Object.entries(methods))
      for (const [index, text] of junk.entries()) {
        const query = parameters.filter(({ in: place }) => place === 'query');
        const search = new URLSearchParams(query.map(({ name }): [string, string] => [name, text]));
        const url = `${path.replace('{id}', text.startsWith('%') ? text : encodeURIComponent(text))}?${search.toString()}`;
        const bodies = [undefined, text, junk, { kind: text, name: text, role: text }, null];
        const sent = method === 'get' ? undefined : bodies[index % bodies.length];
        const { status } = await ask(method.toUpperCase(), url, { role: 'admin', body: sent });
        expect({ method, url, failed: status >= 500 }).toEqual({ method, url, failed: false });
      }
});

test('a body of 1 GB is cut at its beginning, however it is sent', async () => {
  const chunk = Buffer.alloc(64 * 1024, 'a');
  let sent = 0;
  const status = await new Promise<number | string>((resolve) => {
    const outgoing = request(`${api.url}/api/v1/tokens`, {
      method: 'POST',
      headers: { authorization: `Bearer ${tokens.get('admin')}`, 'content-type': 'application/json' },
    });
    outgoing.on('response', ({ statusCode = 0 }) => {
      outgoing.destroy();
      resolve(statusCode);
    });
    outgoing.on('error', ({ message }) => resolve(message));
    const more = (): void => {
      if (outgoing.destroyed || sent >= 1024 ** 3) return;
      sent += chunk.length;
      outgoing.write(chunk, (error) => (error ? undefined : setImmediate(more)));
    };
    more();
  });
  expect([413, 'write EPIPE', 'read ECONNRESET', 'write ECONNRESET']).toContain(status);
  expect(sent).toBeLessThan(64 * 1024 ** 2);
});

test('200 clients follow a run at a time', async () => {
  const { body } = await ask('GET', '/api/v1/runs?kind=collect', { role: 'viewer' });
  const [run] = (body as { items: { id: string }[] }).items;
  const all = await Promise.all(
    Array.from({ length: 200 }, () => ask('GET', `/api/v1/runs/${run?.id}/events`, { role: 'viewer' })),
  );
  expect(new Set(all.map((answer) => String(answer.body))).size).toBe(1);
});

test('a rate limit lets so many through, and more later', () => {
  let now = 0;
  const limiter = createRateLimiter({ burst: 2, perSecond: 1, now: () => now });
  expect([1, 2, 3].map(() => limiter.take('a'))).toEqual([true, true, false]);
  expect(limiter.take('b')).toBe(true);
  now = 1000;
  expect([1, 2].map(() => limiter.take('a'))).toEqual([true, false]);
});
