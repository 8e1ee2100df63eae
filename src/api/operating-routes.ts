import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { z } from 'zod';
import { renderStartPage } from './render-start-page.ts';
import type { Api, ApiContext } from './types.ts';

/** Health, metrics, the start page and the description of the API. */
export function addOperatingRoutes(api: Api, { application, ended }: ApiContext): void {
  const healthSchema = { response: { 200: z.object({ status: z.string() }) } };

  api.get('/health/live', { config: { access: 'public' }, schema: healthSchema }, async () => ({
    status: 'live',
  }));

  api.get('/health/ready', { config: { access: 'public' }, schema: healthSchema }, async () => {
    ended.throwIfAborted();
    await application.assertReady();
    return { status: 'ready' };
  });

  api.get('/api/v1/openapi.json', { config: { access: 'public' }, schema: { hide: true } }, async () =>
    api.swagger(),
  );

  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  api.get('/metrics', { config: { access: 'viewer' } }, async ({ caller }, reply) => {
    const counted = metricsOf(await application.counts(caller));
    return reply.type(registry.contentType).send(await Registry.merge([registry, counted]).metrics());
  });

  api.get('/', { config: { access: 'viewer' }, schema: { hide: true } }, async ({ caller }, reply) => {
    const stale = await application.images(caller, { outdated: true, state: 'present' }, { limit: 50 });
    const running = await application.runs(caller, {}, { limit: 20 });
    const { images: counted } = await application.counts(caller);
    return reply
      .type('text/html; charset=utf-8')
      .header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'")
      .header('x-content-type-options', 'nosniff')
      .send(renderStartPage({ counted, stale, runs: running }));
  });
}

/** Of one caller, and so in a registry of its own. */
function metricsOf(counts: Awaited<ReturnType<ApiContext['application']['counts']>>): Registry {
  const registry = new Registry();
  const images = new Gauge({
    name: 'coldpatch_images',
    help: 'Images in the inventory, by what is known of them',
    labelNames: ['what'],
    registers: [registry],
  });
  const runs = new Gauge({
    name: 'coldpatch_runs',
    help: 'Runs by their state',
    labelNames: ['state'],
    registers: [registry],
  });
  for (const [what, count] of Object.entries(counts.images)) images.set({ what }, count);
  for (const [state, count] of Object.entries(counts.runs)) runs.set({ state }, count);
  return registry;
}
