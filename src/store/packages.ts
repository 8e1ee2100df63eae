import type { Transaction } from 'kysely';
import type { Store } from './open-store.ts';
import type { Tables } from './tables.ts';

/** As a package manager names it. */
export interface StoredPackage {
  readonly manager: string;
  readonly name: string;
  readonly architecture: string;
  readonly version: string;
}

/** What reading an image found, by the digest of its bytes. */
export interface InspectionRecord {
  readonly digest: string;
  /** JSON. */
  readonly document: string;
  readonly packages: readonly StoredPackage[];
}

const rowsAtATime = 200;

/**
 * Keeps an inspection; packages that other images have too share their rows.
 * Equal bytes that somebody else read meanwhile are the same inspection, and nothing is written again.
 *
 * @returns its id
 */
export async function recordInspection(
  { db, now, lock }: Store,
  { digest, document, packages }: InspectionRecord,
): Promise<number> {
  return db.transaction().execute(async (transaction) => {
    await lock(transaction, `inspection ${digest}`);
    const before = await transaction
      .selectFrom('inspections')
      .select('id')
      .where('digest', '=', digest)
      .executeTakeFirst();
    if (before) return before.id;
    const { id } = await transaction
      .insertInto('inspections')
      .values({ digest, document, made_at: now().toISOString() })
      .returning('id')
      .executeTakeFirstOrThrow();
    // In one order for everybody: two transactions that add the same packages wait for each other, never in a circle.
    const distinct = new Map(packages.map((one) => [keyOf(one), one]));
    const sorted = [...distinct].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
    for (let first = 0; first < sorted.length; first += rowsAtATime) {
      const ids = await packageRows(transaction, sorted.slice(first, first + rowsAtATime));
      await transaction
        .insertInto('inspection_packages')
        .values(ids.map((package_id) => ({ package_id, inspection_id: id })))
        .execute();
    }
    return id;
  });
}

/** The ids of packages; those that are not there yet are added. */
async function packageRows(
  transaction: Transaction<Tables>,
  packages: readonly StoredPackage[],
): Promise<readonly number[]> {
  const find = async (wanted: readonly StoredPackage[]): Promise<ReadonlyMap<string, number>> => {
    const names = [...new Set(wanted.map(({ name }) => name))];
    const versions = [...new Set(wanted.map(({ version }) => version))];
    const rows = await transaction
      .selectFrom('packages')
      .selectAll()
      .where('name', 'in', names)
      .where('version', 'in', versions)
      .execute();
    return new Map(rows.map((row) => [keyOf(row), row.id]));
  };
  const known = await find(packages);
  const missing = packages.filter((one) => !known.has(keyOf(one)));
  if (missing.length > 0) {
    const rows = missing.map(({ manager, name, architecture, version }) => ({
      manager,
      name,
      architecture,
      version,
    }));
    await transaction
      .insertInto('packages')
      .values(rows)
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
  const added = missing.length > 0 ? await find(missing) : new Map<string, number>();
  return packages.flatMap((one) => known.get(keyOf(one)) ?? added.get(keyOf(one)) ?? []);
}

function keyOf({ name, manager, architecture, version }: StoredPackage): string {
  return JSON.stringify([name, manager, architecture, version]);
}

/** The inspection of these bytes, when they were read before. */
export async function findInspection(
  { db }: Store,
  by: { readonly digest: string } | { readonly id: number },
): Promise<{ readonly id: number; readonly document: string } | undefined> {
  const query = db.selectFrom('inspections').select(['id', 'document']);
  return (
    'id' in by ? query.where('id', '=', by.id) : query.where('digest', '=', by.digest)
  ).executeTakeFirst();
}

/** All versions of a package that any image has. Whoever knows their order chooses among them. */
export async function versionsOfPackage(
  { db }: Store,
  name: string,
): Promise<readonly (StoredPackage & { readonly id: number })[]> {
  return db.selectFrom('packages').selectAll().where('name', '=', name).execute();
}
