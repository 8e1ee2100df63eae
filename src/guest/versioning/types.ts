export type VersioningId = 'deb' | 'rpm' | 'apk' | 'pacman' | 'windows';

/** How the packages of a family order their versions. */
export interface Versioning {
  readonly id: VersioningId;
  /** Part of every cache key: raise it whenever the adapter orders something differently. */
  readonly revision: number;
  /**
   * Negative when `a` is older than `b`, positive when newer, 0 when neither.
   * @throws `version_invalid` for what the family does not allow.
   */
  compare(a: string, b: string): number;
}
