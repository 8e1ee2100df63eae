import { parseTraceparent } from '../lib/tracing/trace-context.ts';
import type { Tracing } from '../lib/tracing/types.ts';
import type { Api } from './types.ts';

/** Asked every few seconds by programs, and of no interest to anybody who looks for what took long. */
const untraced: ReadonlySet<string | undefined> = new Set(['/health/live', '/health/ready', '/metrics']);

/**
 * A span for each request, in the trace that its header `traceparent` names if there is one.
 * It has the template of the route, never the path, the query or a header: those may name what others must not see.
 */
export function traceRequests(api: Api, tracing: Tracing): void {
  api.decorateRequest('traceparent', undefined);
  api.addHook('onRequest', async (request, reply) => {
    const route = request.routeOptions.url;
    const { traceparent: said } = request.headers;
    const parent = typeof said === 'string' && parseTraceparent(said) ? said : undefined;
    request.traceparent = parent;
    if (!tracing.isOn || untraced.has(route)) return;
    const span = tracing.start({
      name: route === undefined ? request.method : `${request.method} ${route}`,
      kind: 'server',
      parent,
      attributes: {
        'http.request.method': request.method,
        'http.route': route,
        'url.scheme': request.protocol,
      },
    });
    request.traceparent = span.traceparent;
    // Comes also when the client went away, and once in any case.
    reply.raw.once('close', () => {
      const { statusCode, writableFinished } = reply.raw;
      if (!writableFinished) span.set({ 'coldpatch.outcome': 'client_went_away' });
      span.set({ 'http.response.status_code': statusCode });
      span.end(statusCode >= 500 ? String(statusCode) : undefined);
    });
  });
}
