/** What the REST interface answers to good and to malformed requests, on every database. */
import { utimesSync } from 'node:fs';
import { request } from 'node:http';
import { describe, expect, test } from 'vitest';
import type { Role } from '../../src/app/server/application.ts';
import { setPolicy } from '../../src/store/policies.ts';
import type { ApiUnderTest } from './api-under-test.ts';
import { patience } from './api-under-test.ts';

interface Run {
  readonly id: string;
  readonly kind: string;
}

interface Image {
  readonly id: string;
}

const junk = [
  '',
  '%',
  '%ff',
  "' OR 1=1 --",
  'x'.repeat(2000),
  '-1',
  '1e999',
  '2147483648',
  '9007199254740991',
  '{"$gt":1}',
  '../../etc/passwd',
  '\u0000',
  '\u{1f9ca}\ufffd',
];

export function testRequests(under: () => ApiUnderTest): void {
  async function reachesDone(id: string): Promise<void> {
    const run = async () => (await under().ask('GET', `/api/v1/runs/${id}`, { role: 'viewer' })).body;
    await expect.poll(run, patience).toMatchObject({ state: 'done' });
  }

  describe('what is malformed is refused with a problem document', () => {
    test.each([
      ['POST', '/api/v1/tokens', '{', 400],
      ['POST', '/api/v1/tokens', { name: 'x', role: 'root' }, 400],
      ['POST', '/api/v1/tokens', { name: 'x', role: 'viewer', more: 1 }, 400],
      ['POST', '/api/v1/tokens', { name: 'a\0b', role: 'viewer' }, 400],
      ['POST', '/api/v1/tokens', { name: 'x'.repeat(100_000), role: 'viewer' }, 413],
      ['GET', '/api/v1/images?limit=0', undefined, 400],
      ['GET', '/api/v1/images?role=root', undefined, 400],
      ['GET', '/api/v1/images?cursor=..%2f..%2fetc', undefined, 400],
      ['GET', '/api/v1/images?search=%00', undefined, 400],
      ['GET', '/api/v1/images?package=%00&below=1', undefined, 400],
      ['GET', '/api/v1/images/..%2f..%2fetc%2fpasswd', undefined, 404],
      ['GET', '/api/v1/images/%00', undefined, 400],
      ['GET', '/api/v1/audit?after=2147483648', undefined, 400],
      ['GET', '/api/v1/none', undefined, 404],
      ['PUT', '/api/v1/images', { a: 1 }, 404],
    ])('%s %s', async (method, path, body, expected) => {
      const { status, body: problem, headers } = await under().ask(method, path, { role: 'admin', body });
      expect(status).toBe(expected);
      expect(headers.get('content-type')).toContain('application/problem+json');
      expect(problem).toMatchObject({
        status: expected,
        type: expect.stringMatching(/^urn:coldpatch:error:/) as string,
      });
    });
  });

  test('nothing that is derived from the description of the API makes the server fail', async () => {
    const { ask, list, api } = under();
    const { body } = await ask('GET', '/api/v1/openapi.json');
    const { paths } = body as {
      paths: Record<string, Record<string, { parameters?: { name: string; in: string }[] }>>;
    };
    const [image] = await list<Image>('/api/v1/images?source=lab');
    const [run] = await list<Run>('/api/v1/runs');
    const known = { images: image?.id, runs: run?.id, sources: 'lab' } as const;
    let routes = 0;
    for (const [path, methods] of Object.entries(paths))
      for (const [method, { parameters = [] }] of Object.entries(methods)) {
        routes += 1;
        const isRead = method === 'get';
        const family = path.split('/')[3] as keyof typeof known;
        // What is there is only read.
        const id = isRead ? (known[family] ?? 'x') : '00000000-0000-4000-8000-000000000000';
        const bodies = (text: string) => [
          undefined,
          text,
          junk,
          { kind: text, name: text, role: text },
          null,
        ];
        // One place at a time: what is refused first would hide the rest.
        const answers = junk.flatMap((text, index) =>
          [{ name: 'id', in: 'path' }, ...parameters.filter((one) => one.in !== 'path')].map(
            async (place) => {
              const inPath =
                place.in !== 'path' ? id : text.startsWith('%') ? text : encodeURIComponent(text);
              const search = place.in === 'query' ? `?${place.name}=${encodeURIComponent(text)}` : '';
              const fits = place.in === 'header' && /^[\x20-\x7e]+$/.test(text);
              const sent = isRead ? undefined : bodies(text)[index % 5];
              const url = path.replace('{id}', inPath) + search;
              const headers = fits ? { [place.name]: text } : {};
              const asking = { role: 'admin', body: sent, headers } as const;
              const { status } = await ask(method.toUpperCase(), url, asking);
              return { method, url, headers, failed: status >= 500 };
            },
          ),
        );
        for (const answer of await Promise.all(answers)) expect(answer).toMatchObject({ failed: false });
      }
    const described = api.routes.filter(({ method, url }) => method !== 'HEAD' && url !== '/').length - 1;
    expect(routes).toBe(described);
  });

  test('a body of 1 GB is cut at its beginning, however it is sent', async () => {
    const { api, tokens } = under();
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

  describe('the events of a run', () => {
    const newest = async (): Promise<string> => {
      const [run] = await under().list<Run>('/api/v1/runs?kind=collect');
      return `/api/v1/runs/${run?.id}/events`;
    };

    test('can be followed until it ends', async () => {
      const { ask } = under();
      const path = await newest();
      const events = await ask('GET', path, { role: 'viewer' });
      expect(events.headers.get('content-type')).toBe('text/event-stream');
      expect(events.body).toMatch(/event: step\ndata: .*"step":"collect"/);
      expect(events.body).toMatch(/event: run\ndata: .*"state":"done"/);
      const last = /id: (\d+)\nevent: run/.exec(String(events.body))?.[1] ?? '';
      const rest = await ask('GET', path, { role: 'viewer', headers: { 'last-event-id': last } });
      expect(rest.body).not.toContain('event:');
    });

    test('can be followed by 200 clients at a time', async () => {
      const path = await newest();
      const all = await Promise.all(
        Array.from({ length: 200 }, () => under().ask('GET', path, { role: 'viewer' })),
      );
      expect(new Set(all.map(({ status, body }) => `${status} ${String(body)}`)).size).toBe(1);
      expect(all[0]?.body).toContain('"state":"done"');
    });
  });

  test('an answer that a client has is not sent again', async () => {
    const { ask, idle } = under();
    await idle();
    for (const path of ['/api/v1/images', '/api/v1/sources', '/api/v1/runs?kind=collect', '/api/v1/tokens']) {
      const first = await ask('GET', path, { role: 'admin' });
      const tag = first.headers.get('etag') ?? '';
      expect(first).toMatchObject({ status: 200 });
      const again = (value: string) =>
        ask('GET', path, { role: 'admin', headers: { 'if-none-match': value } });
      expect(await again(tag)).toMatchObject({ status: 304, body: '' });
      expect(await again(`"other", W/${tag}`)).toMatchObject({ status: 304 });
      expect(await again('"other"')).toMatchObject({ status: 200, body: first.body });
    }
  });

  describe('a policy', () => {
    const path = '/api/v1/sources/lab/policy';
    const body = {
      upgrade: 'after_approval',
      neverTouch: ['linux-image-*'],
      windows: [{ cron: '0 22 * * sat', timeZone: 'Europe/Prague', minutes: 360 }],
    };
    const put = (wanted: unknown, tag?: string) =>
      under().ask('PUT', path, {
        role: 'admin',
        body: wanted,
        ...(tag !== undefined && { headers: { 'if-match': tag } }),
      });

    test('of another version hides nothing else, and is told to whoever needs it', async () => {
      const { ask, idle, store } = under();
      await idle();
      const document = JSON.stringify({ upgrade: 'never', laterKey: true });
      await setPolicy(store, 'lab', { document, by: 'a later version', expected: undefined });
      expect(await ask('GET', '/api/v1/sources', { role: 'viewer' })).toMatchObject({
        status: 200,
        body: { items: [{ id: 'lab', upgrade: 'never' }] },
      });
      expect(await ask('POST', '/api/v1/sources/lab/collect', { role: 'operator' })).toMatchObject({
        status: 409,
        body: { code: 'configuration_invalid', detail: expect.stringContaining('Set it again') as string },
      });
      expect((await ask('DELETE', path, { role: 'admin' })).status).toBe(204);
    });

    test('is set by who has seen the one before, and given back to the file', async () => {
      const { ask } = under();
      const before = await ask('GET', path, { role: 'viewer' });
      expect(before.body).toMatchObject({ origin: 'file', revision: 0, policy: { upgrade: 'never' } });
      expect((await put(body, '"7"')).status).toBe(409);
      expect((await put({ ...body, unknown: 1 }, '"0"')).status).toBe(400);
      expect((await put({ windows: [{ ...body.windows[0], cron: 'x' }] }, '"0"')).status).toBe(400);
      const seen = before.headers.get('etag') ?? '';
      const together = await Promise.all(Array.from({ length: 8 }, () => put(body, seen)));
      const statuses = together.map(({ status }) => status).toSorted((a, b) => a - b);
      expect(statuses).toEqual([200, ...Array<number>(7).fill(409)]);
      expect((await ask('GET', path, { role: 'viewer' })).body).toMatchObject({
        origin: 'api',
        revision: 1,
        policy: body,
      });
      const { body: sources } = await ask('GET', '/api/v1/sources', { role: 'viewer' });
      expect(sources).toMatchObject({ items: [{ id: 'lab', upgrade: 'after_approval' }] });
      expect((await ask('DELETE', path, { role: 'admin' })).status).toBe(204);
      expect((await ask('GET', path, { role: 'viewer' })).body).toEqual(before.body);
    });

    test('holds from the next step on, whoever carries it out', async () => {
      const { ask, list, idle, image } = under();
      const [found] = await list<Image>('/api/v1/images?source=lab');
      const kindUnder = async (upgrade: string, second: number): Promise<string | undefined> => {
        expect((await put({ upgrade })).status).toBe(200);
        utimesSync(image, second, second);
        await idle();
        const pass = await ask('POST', '/api/v1/sources/lab/collect', { role: 'operator' });
        await reachesDone((pass.body as Run).id);
        const [run] = await list<Run>(`/api/v1/runs?image=${found?.id}`);
        await ask('POST', `/api/v1/runs/${run?.id}/cancel`, { role: 'operator' });
        return run?.kind;
      };
      expect(await kindUnder('automatic', 1_000_000)).toBe('upgrade');
      expect(await kindUnder('never', 2_000_000)).toBe('inspect');
      expect((await ask('DELETE', path, { role: 'admin' })).status).toBe(204);
    });
  });

  describe('a request with an idempotency key', () => {
    const post = (path: string, key: string, body?: unknown, role: Role = 'admin') =>
      under().ask('POST', path, { role, body, headers: { 'idempotency-key': key } });

    test('is carried out once and answered the same, of one token', async () => {
      const { idle } = under();
      await idle();
      const first = await post('/api/v1/sources/lab/collect', 'monday');
      expect(first.status).toBe(202);
      const again = await post('/api/v1/sources/lab/collect', 'monday');
      expect(again).toMatchObject({ status: 202, body: first.body });
      expect(again.headers.get('idempotency-replayed')).toBe('true');
      const other = await post('/api/v1/tokens', 'monday', { name: 'x', role: 'viewer' });
      expect(other).toMatchObject({ status: 409, body: { code: 'state_conflict' } });
      const { id } = first.body as Run;
      await reachesDone(id);
      const elsewhere = await post('/api/v1/sources/lab/collect', 'monday', undefined, 'operator');
      expect(elsewhere.status).toBe(202);
      expect((elsewhere.body as Run).id).not.toBe(id);
    });

    test('that made a token does not tell it again, nor keep it', async () => {
      const { list, isKept } = under();
      const name = 'a name that is kept';
      const made = await post('/api/v1/tokens', 'token', { name, role: 'viewer' });
      const { token } = made.body as { token: string };
      const again = await post('/api/v1/tokens', 'token', { name, role: 'viewer' });
      expect(again).toMatchObject({ status: 409 });
      const tokens = await list<{ name: string }>('/api/v1/tokens', { role: 'admin' });
      expect(tokens.filter((one) => one.name === name)).toHaveLength(1);
      expect(isKept(name)).toBe(true);
      expect(isKept(token.split('.')[2] ?? '')).toBe(false);
    });

    test('that was refused may be sent again, and many at a time are one', async () => {
      const path = '/api/v1/runs/00000000-0000-4000-8000-000000000000/cancel';
      expect((await post(path, 'refused')).status).toBe(404);
      expect((await post(path, 'refused')).status).toBe(404);
      const tooLong = 'x'.repeat(201);
      expect((await post('/api/v1/tokens', tooLong, { name: 'x', role: 'viewer' })).status).toBe(400);
      const refused = await Promise.all(Array.from({ length: 20 }, () => post(path, 'together')));
      for (const { status } of refused) expect([404, 409]).toContain(status);
      const all = await Promise.all(
        Array.from({ length: 20 }, () => post('/api/v1/tokens', 'many', { name: 'many', role: 'viewer' })),
      );
      expect(all.filter(({ status }) => status === 201)).toHaveLength(1);
      expect(all.filter(({ status }) => status === 409)).toHaveLength(19);
    });
  });
}
