import type { RepositorySnapshot } from './repository-snapshot.ts';

/** The state of one repository that a run used, for reports. Times are ISO 8601. */
export interface UsedRepository {
  readonly uri: string;
  readonly suite: string;
  /** SHA-256 of the text that the repository signed. */
  readonly releaseDigest: string;
  readonly date: string;
  readonly validUntil: string | null;
}

/** What has to be known of a state to use it again. */
export type PinnedRepository = Pick<UsedRepository, 'uri' | 'suite' | 'releaseDigest'>;

/** Each repository of a snapshot once, whatever components and architectures of it were used. */
export function usedRepositories({ entries }: RepositorySnapshot): readonly UsedRepository[] {
  const byName = new Map(
    entries.map(({ uri, suite, releaseDigest, date, validUntil }) => [
      `${uri} ${suite}`,
      { uri, suite, releaseDigest, date: date.toISOString(), validUntil: validUntil?.toISOString() ?? null },
    ]),
  );
  return [...byName.values()];
}
