import type { Store } from './open-store.ts';

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

/** Keeps an inspection; packages that other images have too share their rows. @returns its id */
export async function recordInspection(
  { db, now }: Store,
  { digest, document, packages }: InspectionRecord,
): Promise<number> {
  return db.transaction().execute(async (transaction) => {
    const { id } = await transaction
      .insertInto('inspections')
      .values({ digest, document, made_at: now().toISOString() })
      .onConflict((conflict) =>
        conflict.column('digest').doUpdateSet({ document, made_at: now().toISOString() }),
      )
      .returning('id')
      .executeTakeFirstOrThrow();
    await transaction.deleteFrom('inspection_packages').where('inspection_id', '=', id).execute();
    for (let first = 0; first < packages.length; first += rowsAtATime) {
      const rows = packages
        .slice(first, first + rowsAtATime)
        .map(({ manager, name, architecture, version }) => ({ manager, name, architecture, version }));
      const columns = ['name', 'manager', 'architecture', 'version'] as const;
      // An update that changes nothing makes the row's id come back also when it was there.
      const kept = await transaction
        .insertInto('packages')
        .values(rows)
        .onConflict((conflict) =>
          conflict.columns(columns).doUpdateSet((set) => ({ name: set.ref('excluded.name') })),
        )
        .returning('id')
        .execute();
      await transaction
        .insertInto('inspection_packages')
        .values(kept.map((row) => ({ package_id: row.id, inspection_id: id })))
        .onConflict((conflict) => conflict.doNothing())
        .execute();
    }
    return id;
  });
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
