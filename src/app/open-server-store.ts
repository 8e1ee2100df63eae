import { join } from 'node:path';
import type { Config } from '../config/schema.ts';
import { openPostgresStore, type PostgresStore } from '../store/open-postgres-store.ts';
import { openStore, type Store } from '../store/open-store.ts';

const now = (): Date => new Date();

/** Where a server without a PostgreSQL keeps what it knows. */
export function databasePath({ stateDirectory }: Config): string {
  return join(stateDirectory, 'coldpatch.db');
}

/** The store of a server with or without a PostgreSQL. @throws what opening either throws. */
export async function openServerStore(
  config: Config,
  database: string | undefined,
): Promise<{ readonly store: Store; readonly postgres: PostgresStore | undefined }> {
  if (database === undefined) return { store: openStore(databasePath(config), now), postgres: undefined };
  const postgres = await openPostgresStore(database, now);
  return { store: postgres, postgres };
}
