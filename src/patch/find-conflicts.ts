import type { Recording } from './recording/types.ts';

/** A configuration file that both the operator and a package changed: the operator's stays in its place. */
export interface ConffileConflict {
  readonly path: string;
  /** Where the package's version lies beside it. */
  readonly newVersion: string;
}

const suffixes = /\.(?:dpkg-dist|dpkg-new|ucf-dist|ucf-new)$/;

/** Finds the versions that dpkg and ucf put beside a file that they kept. */
export function findConflicts(recording: Recording): readonly ConffileConflict[] {
  return recording.changes
    .filter(({ path, kind }) => kind !== 'removed' && suffixes.test(path))
    .map(({ path }) => ({ path: path.replace(suffixes, ''), newVersion: path }));
}
