import { z } from 'zod';
import { type ErrorCode, errorCatalogue } from '../lib/errors.ts';

/** A problem document: RFC 9457. `code` is one of docs/errors.md. */
export const problemSchema = z
  .object({ type: z.string(), title: z.string(), status: z.int(), code: z.string(), detail: z.string() })
  .meta({ id: 'Problem' });

export type Problem = z.infer<typeof problemSchema>;

const statuses: Partial<Record<ErrorCode, number>> = {
  request_invalid: 400,
  usage: 400,
  not_authenticated: 401,
  not_allowed: 403,
  object_unknown: 404,
  // Of what was set by the API, and is not understood any more.
  configuration_invalid: 409,
  rate_limited: 429,
  store_unreachable: 503,
  store_newer: 503,
  internal: 500,
};

/** Whatever else the server refuses is a conflict with the state of what was named. */
export function statusOf(code: ErrorCode): number {
  return statuses[code] ?? (errorCatalogue[code].exit === 3 ? 409 : 500);
}

export function problemOf(code: ErrorCode, detail: string, status = statusOf(code)): Problem {
  return { type: `urn:coldpatch:error:${code}`, title: errorCatalogue[code].title, status, code, detail };
}
