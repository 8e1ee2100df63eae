import { sql } from 'kysely';
import type { Store } from './open-store.ts';

/** Asks the database for nothing. @throws ColdpatchError `store_unreachable` */
export async function assertReachable({ db }: Store): Promise<void> {
  await sql`SELECT 1`.execute(db);
}
