import type { OsRelease } from './read-os-release.ts';

/** Whether a system is one of `ids`, or says that it is derived from one of them. */
export function isOfFamily({ id, idLike }: OsRelease, ids: readonly string[]): boolean {
  return ids.includes(id) || idLike.some((other) => ids.includes(other));
}
