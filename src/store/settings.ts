import type { Store } from './open-store.ts';

const onlyRow = 1;

/** Makes known to workers on other hosts what the server was configured with. `document` is JSON. */
export async function publishSettings({ db, now }: Store, document: string): Promise<void> {
  const values = { document, published_at: now().toISOString() };
  await db
    .insertInto('published_settings')
    .values({ id: onlyRow, ...values })
    .onConflict((conflict) => conflict.column('id').doUpdateSet(values))
    .execute();
}

/** What the server published last; undefined while no server was there. */
export async function findSettings({ db }: Store): Promise<string | undefined> {
  const row = await db
    .selectFrom('published_settings')
    .select('document')
    .where('id', '=', onlyRow)
    .executeTakeFirst();
  return row?.document;
}
