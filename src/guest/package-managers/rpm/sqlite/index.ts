import { ColdpatchError } from '../../../../lib/errors.ts';
import { databaseCorrupt } from '../database-corrupt.ts';
import { orDamage } from '../or-damage.ts';
import { createPageClaims, type PageClaims } from '../page-claims.ts';
import type { DatabaseBackend, StoredHeader } from '../stored-header.ts';
import { openPages, type SqlitePages } from './open-pages.ts';
import { parseRecord } from './parse-record.ts';
import { type RowBudget, walkTable } from './walk-table.ts';

/** `rpmdb.sqlite`, the default since rpm 4.16: the headers are the second column of the table `Packages`. */
export const sqlite: DatabaseBackend = {
  fileName: 'rpmdb.sqlite',
  logName: 'rpmdb.sqlite-wal',
  *readHeaders(file, log): Generator<StoredHeader> {
    const pages = openPages(file, log);
    const claims = createPageClaims(pages.pageCount + 1);
    const budget = { left: pages.size };
    claims.claim(0);
    const root = findTable(pages, 'Packages', claims, budget);
    for (const row of walkTable(pages, root, claims, budget)) {
      yield row instanceof ColdpatchError ? row : orDamage(() => headerOf(row));
    }
  },
};

function headerOf(row: Uint8Array): Uint8Array {
  const blob = parseRecord(row)[1];
  if (blob instanceof Uint8Array) return blob;
  throw databaseCorrupt('a header in each row', 'a row without one');
}

/** The root page of a table, from the table of all tables at page 1 (section 2.6). */
function findTable(pages: SqlitePages, name: string, claims: PageClaims, budget: RowBudget): number {
  for (const row of walkTable(pages, 1, claims, budget)) {
    if (row instanceof ColdpatchError) throw row;
    const [type, found, , root] = parseRecord(row);
    if (type === 'table' && found === name && typeof root === 'bigint') return Number(root);
  }
  throw databaseCorrupt(`a table ${name}`, 'none');
}
