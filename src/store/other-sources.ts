import type { Transaction } from 'kysely';
import type { Store } from './open-store.ts';
import type { Tables } from './tables.ts';

/** What a pass over one source has to know of the others: chains lead from one into another. */
export interface OtherImages {
  /** Readable images by their locator. */
  readonly members: ReadonlyMap<string, { readonly backing: readonly string[] }>;
  /** What they are built on. */
  readonly bases: ReadonlySet<string>;
}

/** The images of those `sources` that are not `sourceId`. */
export async function imagesOfOthers(
  { db }: Store,
  sourceId: string,
  sources: readonly string[],
): Promise<OtherImages> {
  const others = sources.filter((id) => id !== sourceId);
  if (others.length === 0) return { members: new Map(), bases: new Set() };
  const rows = await db
    .selectFrom('images')
    .select(['locator', 'backing', 'problem'])
    .where('source_id', 'in', others)
    .where('state', '=', 'present')
    .execute();
  const chains = rows.map((row) => ({ ...row, backing: JSON.parse(row.backing) as readonly string[] }));
  return {
    members: new Map(
      chains
        .filter(({ problem }) => problem === null)
        .map(({ locator, backing }) => [locator, { backing }] as const),
    ),
    bases: new Set(chains.flatMap(({ backing }) => backing)),
  };
}

/**
 * After a pass over one source: what it builds on is a base also where it comes from, and images elsewhere whose
 * backing file changed are to be read again.
 */
export async function tellOtherSources(
  transaction: Transaction<Tables>,
  sourceId: string,
  { changed, bases }: { readonly changed: ReadonlySet<string>; readonly bases: ReadonlySet<string> },
): Promise<void> {
  if (changed.size === 0 && bases.size === 0) return;
  const rows = await transaction
    .selectFrom('images')
    .select(['id', 'locator', 'backing', 'role', 'digest'])
    .where('source_id', '!=', sourceId)
    .where('state', '=', 'present')
    .execute();
  for (const { id, locator, backing, role, digest } of rows) {
    const isStale =
      digest !== null && (JSON.parse(backing) as readonly string[]).some((path) => changed.has(path));
    const isNewBase = role === 'leaf' && bases.has(locator);
    if (!isStale && !isNewBase) continue;
    await transaction
      .updateTable('images')
      .set((set) => ({
        revision: set('revision', '+', 1),
        ...(isStale && { digest: null }),
        ...(isNewBase && { role: 'base' as const }),
      }))
      .where('id', '=', id)
      .execute();
  }
}

/** The digests that are known of files, wherever they come from. */
export async function digestsOfFiles(
  { db }: Store,
  locators: readonly string[],
): Promise<ReadonlyMap<string, { readonly id: string; readonly digest: string | null }>> {
  if (locators.length === 0) return new Map();
  const rows = await db
    .selectFrom('images')
    .select(['id', 'locator', 'digest'])
    .where('locator', 'in', locators)
    .where('state', '=', 'present')
    .execute();
  return new Map(rows.map(({ locator, ...row }) => [locator, row]));
}
