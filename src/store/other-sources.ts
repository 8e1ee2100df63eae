import type { Transaction } from 'kysely';
import type { Store } from './open-store.ts';
import type { Tables } from './tables.ts';

const namesAtATime = 500;

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

const undeclared = 'backing_file_undeclared:';

/**
 * Lets those `sources` be listed again whose images wait for a backing file that is an image of one of them by now:
 * passes over two sources may meet, and a chain may be listed from its end.
 */
export async function listWaitingSources({ db }: Store, sources: readonly string[]): Promise<void> {
  if (sources.length < 2) return;
  const present = db.selectFrom('images').where('source_id', 'in', sources).where('state', '=', 'present');
  const broken = await present
    .select(['source_id', 'backing'])
    .where('problem', 'like', `${undeclared}%`)
    .execute();
  const waiting = broken.map(({ source_id, backing }) => ({
    source: source_id,
    missing: (JSON.parse(backing) as readonly string[]).at(-1),
  }));
  const missing = [...new Set(waiting.flatMap((one) => one.missing ?? []))];
  const found = new Set<string>();
  for (let first = 0; first < missing.length; first += namesAtATime) {
    const rows = await present
      .select('locator')
      .where('problem', 'is', null)
      .where('locator', 'in', missing.slice(first, first + namesAtATime))
      .execute();
    for (const { locator } of rows) found.add(locator);
  }
  const due = waiting.filter((one) => one.missing !== undefined && found.has(one.missing));
  if (due.length === 0) return;
  const ids = [...new Set(due.map(({ source }) => source))];
  await db.updateTable('sources').set({ last_pass_at: null }).where('id', 'in', ids).execute();
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
