import { ColdpatchError, isColdpatchError } from '../lib/errors.ts';

/**
 * Codes of PostgreSQL and of the system, by what they mean to us.
 * Appendix A of the manual of PostgreSQL: 08 connections, 22021 a NUL in a text, 53 resources, 54 limits, 57P0 shutdown.
 */
const meanings = [
  [
    /^(?:08...|53...|57P0.|ECONN.*|EPIPE|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|ENOENT)$/,
    'store_unreachable',
  ],
  [/^22021$/, 'request_invalid'],
  [/^54...$/, 'limit_exceeded'],
] as const;

/** What the driver of PostgreSQL threw, in our words; anything else as it is. The URL is not told: it has a password. */
export function postgresError(error: unknown): unknown {
  if (!(error instanceof Error) || isColdpatchError(error)) return error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const isCut = /^(?:Connection terminated|timeout exceeded when trying to connect|Client has encountered)/;
  const found = isCut.test(error.message)
    ? 'store_unreachable'
    : meanings.find(([pattern]) => pattern.test(code))?.[1];
  if (found === undefined) return error;
  const words = code === '' ? error.message : `${error.message} (${code})`;
  const expected = {
    store_unreachable: 'Expected the database to answer. Check that it runs, and who may connect to it',
    request_invalid: 'Expected text without a NUL',
    limit_exceeded: 'Expected text that the database can keep',
  }[found];
  return new ColdpatchError(found, `${expected}. It said: ${words}`, { cause: error });
}
