import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { ColdpatchError } from '../lib/errors.ts';
import type { Api, ApiContext } from './types.ts';

const longestKey = 200;

/** The only answer that is not kept: it has a secret in it. */
const routesWithSecrets = new Set(['/api/v1/tokens']);

/**
 * Every POST may carry an Idempotency-Key: then it is carried out once in a day, and the same request again gets the
 * same answer. Keys belong to the token that sends them. A request that was refused or failed frees its key.
 */
export function answerOnce(api: Api, { application }: ApiContext): void {
  const taken = new WeakMap<FastifyRequest, string>();

  // After the body was read and validated: what is malformed takes no key.
  api.addHook('preHandler', async (request, reply) => {
    const key = keyOf(request);
    if (key === undefined) return;
    const { tokenId } = request.caller;
    const keyHash = hashOf([tokenId, key]);
    const requestHash = hashOf([tokenId, request.method, request.url, JSON.stringify(request.body ?? null)]);
    const found = await application.takeRequestKey({ keyHash, requestHash });
    if (found.answer === 'first') {
      taken.set(request, keyHash);
      return;
    }
    if (found.answer === 'other')
      throw conflict('a key that was not used for another request within a day. Choose a new one');
    if (found.answer !== 'answered') throw conflict('one request of this key at a time. Ask again');
    if (found.body === '')
      throw conflict('a new token, but this request made one before, and its text is shown only once');
    await reply
      .status(found.status)
      .header('idempotency-replayed', 'true')
      .type('application/json; charset=utf-8')
      .serializer((body: unknown) => String(body))
      .send(found.body);
  });

  api.addHook('onSend', async (request, reply, payload) => {
    const keyHash = taken.get(request);
    if (keyHash === undefined) return payload;
    taken.delete(request);
    const hasSecret = routesWithSecrets.has(request.routeOptions.url ?? '');
    const body = typeof payload === 'string' && !hasSecret ? payload : '';
    const answer = reply.statusCode < 300 ? { status: reply.statusCode, body } : undefined;
    await application.answerRequestKey(keyHash, answer);
    return payload;
  });
}

function keyOf({ method, headers }: FastifyRequest): string | undefined {
  const key = headers['idempotency-key'];
  if (method !== 'POST' || key === undefined) return undefined;
  if (typeof key === 'string' && key.length > 0 && key.length <= longestKey) return key;
  throw new ColdpatchError(
    'request_invalid',
    `Expected an Idempotency-Key of 1 to ${longestKey} characters, but found another.`,
  );
}

function conflict(expected: string): ColdpatchError {
  return new ColdpatchError('state_conflict', `Expected ${expected}.`);
}

function hashOf(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
