/** Who may do what, over every route of the REST interface, on every database. */
import { describe, expect, test } from 'vitest';
import { type Access, roles } from '../../src/api/roles.ts';
import type { ApiUnderTest } from './api-under-test.ts';

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

export function testAccess(under: () => ApiUnderTest): void {
  test('every route has the rule that is written down, and nothing else is there', () => {
    const found = under()
      .api.routes.filter(({ method }) => method !== 'HEAD')
      .map(({ method, url }) => `${method} ${url}`);
    expect(found.toSorted()).toEqual(Object.keys(rules).toSorted());
  });

  test.each(Object.entries(rules))('%s is for those from %s on', async (route, access) => {
    const [method = '', url = ''] = route.split(' ');
    const path = url.replace(':id', '00000000-0000-4000-8000-000000000000');
    const body = method === 'POST' || method === 'PUT' ? {} : undefined;
    const { ask } = under();
    expect((await ask(method, path, { body })).status).toBe(access === 'public' ? 200 : 401);
    const answers = await Promise.all(roles.map((role) => ask(method, path, { role, body })));
    for (const [index, role] of roles.entries()) {
      const status = answers[index]?.status ?? 500;
      const allowed = access === 'public' || index >= roles.indexOf(access);
      expect({ role, allowed: status !== 403 }).toEqual({ role, allowed });
      expect({ role, status }).not.toEqual({ role, status: 401 });
      expect(status).toBeLessThan(500);
    }
  });

  test('OpenAPI 3.1 describes every route of the API', async () => {
    const { body } = await under().ask('GET', '/api/v1/openapi.json');
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

  test('a wrong token is not told from none', async () => {
    for (const token of ['x', `coldpatch.${'0'.repeat(36)}.${'A'.repeat(43)}`]) {
      expect(await under().ask('GET', '/api/v1/images', { token })).toMatchObject({
        status: 401,
        body: { code: 'not_authenticated' },
      });
    }
  });

  test('a token of one source does not see another, nor what it may not do', async () => {
    const { ask, list } = under();
    const made = await ask('POST', '/api/v1/tokens', {
      role: 'admin',
      body: { name: 'other', role: 'operator', sources: ['other'] },
    });
    const { token } = made.body as { token: string };
    expect((await ask('GET', '/api/v1/sources', { token })).body).toEqual({ items: [] });
    for (const path of ['/api/v1/images', '/api/v1/runs'])
      expect((await ask('GET', path, { token })).body).toEqual({ items: [], next: null });
    expect((await ask('GET', '/metrics', { token })).body).not.toMatch(/^coldpatch_runs\{/m);
    expect((await ask('GET', '/metrics', { role: 'viewer' })).body).toMatch(/^coldpatch_runs\{/m);
    expect((await ask('POST', '/api/v1/sources/lab/collect', { token })).status).toBe(404);
    const tokens = await list<{ id: string; name: string }>('/api/v1/tokens', { role: 'admin' });
    const id = tokens.find(({ name }) => name === 'other')?.id;
    expect((await ask('DELETE', `/api/v1/tokens/${id}`, { role: 'admin' })).status).toBe(204);
    expect((await ask('GET', '/api/v1/sources', { token })).status).toBe(401);
  });

  test('a token of an admin is of all sources', async () => {
    const body = { name: 'limited', role: 'admin', sources: ['lab'] };
    expect(await under().ask('POST', '/api/v1/tokens', { role: 'admin', body })).toMatchObject({
      status: 400,
      body: { detail: expect.stringContaining('/sources') as string },
    });
  });

  test('whoever follows a run is let go when the token is revoked', async () => {
    const { ask, api, list, idle } = under();
    await idle();
    const [image] = await list<{ id: string }>('/api/v1/images');
    const wanted = { role: 'operator', body: { kind: 'upgrade' } } as const;
    const run = (await ask('POST', `/api/v1/images/${image?.id}/runs`, wanted)).body as { id: string };
    expect((await ask('POST', `/api/v1/runs/${run.id}/pause`, { role: 'operator' })).status).toBe(202);
    const made = await ask('POST', '/api/v1/tokens', { role: 'admin', body: { name: 'f', role: 'viewer' } });
    const { id, token } = made.body as { id: string; token: string };
    const authorization = `Bearer ${token}`;
    const stream = await fetch(`${api.url}/api/v1/runs/${run.id}/events`, { headers: { authorization } });
    expect((await ask('DELETE', `/api/v1/tokens/${id}`, { role: 'admin' })).status).toBe(204);
    await stream.text();
    await ask('POST', `/api/v1/runs/${run.id}/cancel`, { role: 'operator' });
    await idle();
  });

  test('what was refused and done is in the audit log, and no token is in it or in the log', async () => {
    const { list, tokens, log } = under();
    const text = JSON.stringify(await list('/api/v1/audit?limit=1000', { role: 'admin' }));
    expect(text).toContain('"action":"refused"');
    expect(text).toContain('"action":"token.create"');
    for (const token of tokens.values()) {
      expect(text).not.toContain(token);
      expect(log()).not.toContain(token);
    }
  });

  describe('the start page', () => {
    test('asks a browser for a token, and has no script', async () => {
      const { ask, tokens } = under();
      const { headers } = await ask('GET', '/');
      expect(headers.get('www-authenticate')).toMatch(/^Basic /);
      const authorization = `Basic ${btoa(`any:${tokens.get('viewer')}`)}`;
      const page = await ask('GET', '/', { headers: { authorization } });
      expect(page.status).toBe(200);
      expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
      expect(page.body).toContain('<td>images</td><td>1</td>');
      // The page of somebody else could let the browser send it.
      const admin = { authorization: `Basic ${btoa(`any:${tokens.get('admin')}`)}` };
      expect((await ask('POST', '/api/v1/sources/lab/collect', { headers: admin })).status).toBe(401);
    });
  });
}
