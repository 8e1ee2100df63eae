import { isColdpatchError } from '../lib/errors.ts';

/**
 * Tells apart, among the errors that belong to no run, that a newer coldpatch changed the tables.
 *
 * @returns `outdated`: aborted with `store_newer` then, and whoever runs has to stop; `onFault`: where all errors go.
 */
export function outdatedSignal(report: (error: unknown) => void): {
  readonly outdated: AbortSignal;
  readonly onFault: (error: unknown) => void;
} {
  const controller = new AbortController();
  return {
    outdated: controller.signal,
    onFault(error) {
      if (isColdpatchError(error, 'store_newer')) controller.abort(error);
      else report(error);
    },
  };
}
