import type { FastifyRequest } from 'fastify';
import type { Caller } from '../app/server/application.ts';
import { ColdpatchError } from '../lib/errors.ts';
import { createRateLimiter } from './rate-limiter.ts';
import { mayUse } from './roles.ts';
import type { Api, ApiContext } from './types.ts';

const nobody: Caller = { tokenId: '', name: '', role: 'viewer', sources: [] };

export interface GuardOptions {
  /** Of each token, and of each address without one. */
  readonly requestsPerSecond: number;
}

/**
 * Asks every request for a token, and every route for a rule. A route without a rule cannot be added.
 * Refusals of known callers are written into the audit log.
 */
export function guardRoutes(
  api: Api,
  { application }: ApiContext,
  { requestsPerSecond }: GuardOptions,
): void {
  const limits = { perSecond: requestsPerSecond, burst: 4 * requestsPerSecond, now: () => performance.now() };
  const byAddress = createRateLimiter(limits);
  const byToken = createRateLimiter(limits);

  api.addHook('onRoute', ({ method, url, config }) => {
    if (config?.access === undefined)
      throw new ColdpatchError(
        'internal',
        `Expected a rule who may use ${String(method)} ${url}, but it has none.`,
      );
  });

  api.decorateRequest('caller', { getter: () => nobody });

  api.addHook('onRequest', async (request) => {
    const { access } = request.routeOptions.config;
    if (access === 'public') {
      if (!byAddress.take(request.ip)) throw tooMany();
      return;
    }
    // Who guesses tokens costs no more questions to the database than others.
    if (!byAddress.hasLeft(request.ip)) throw tooMany();
    const token = tokenOf(request);
    const caller = token === undefined ? undefined : await application.authenticate(token);
    if (!caller) {
      if (!byAddress.take(request.ip)) throw tooMany();
      throw new ColdpatchError('not_authenticated', 'Expected a valid token in the header Authorization.');
    }
    if (!byToken.take(caller.tokenId)) throw tooMany();
    // A path that leads nowhere has no rule: whoever is known is told so.
    if (access !== undefined && !mayUse(caller.role, access)) {
      const object = `${request.method} ${request.routeOptions.url ?? ''}`;
      await application.audit(caller, { action: 'refused', object, detail: `needs ${access}` });
      throw new ColdpatchError(
        'not_allowed',
        `Expected the role ${access} or a higher one, but it is ${caller.role}.`,
      );
    }
    Object.defineProperty(request, 'caller', {
      value: { ...caller, traceparent: request.traceparent },
    });
  });
}

/**
 * `Bearer TOKEN`, or for browsers the token as the password of any user: RFC 6750, RFC 7617. A browser sends the latter
 * also where the page of somebody else asks it to, and so it is good for reading only.
 */
function tokenOf({ method, headers: { authorization = '' } }: FastifyRequest): string | undefined {
  const [, scheme, value = ''] = /^(bearer|basic) +([\x21-\x7e]{1,400})$/i.exec(authorization) ?? [];
  if (scheme === undefined) return undefined;
  if (scheme.toLowerCase() === 'bearer') return value;
  if (method !== 'GET' && method !== 'HEAD') return undefined;
  const decoded = Buffer.from(value, 'base64').toString('utf8');
  return decoded.slice(decoded.indexOf(':') + 1);
}

function tooMany(): ColdpatchError {
  return new ColdpatchError('rate_limited', 'Expected fewer requests. Wait a second.');
}
