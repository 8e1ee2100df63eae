import { ColdpatchError } from '../lib/errors.ts';

/** Aborts when a person or the system asks the command to end, so that it can clean up. */
export function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () =>
      controller.abort(
        new ColdpatchError(
          'interrupted',
          `Expected to finish, but got ${signal}. The original is as it was; run the command again.`,
        ),
      ),
    );
  }
  return controller.signal;
}
