import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { ColdpatchError } from '../lib/errors.ts';

const folder = join(import.meta.dirname, 'migrations');

/**
 * Brings a database to this version's tables: each numbered file once, in its order, in a transaction of its own.
 *
 * A migration that older programs cannot live with says `-- breaking: yes` in its first line.
 * @throws ColdpatchError `store_newer` when a breaking migration was made by a newer coldpatch.
 */
export function migrate(database: DatabaseSync, now: () => Date, directory = folder): void {
  database.exec(
    'CREATE TABLE IF NOT EXISTS migrations ' +
      '(number integer PRIMARY KEY, name text NOT NULL, breaking integer NOT NULL, made_at text NOT NULL)',
  );
  const made = database.prepare('SELECT number, breaking FROM migrations ORDER BY number').all();
  const files = readdirSync(directory)
    .filter((name) => /^\d{4}-[a-z0-9-]+\.sql$/.test(name))
    .toSorted();
  const newest = Number(files.at(-1)?.slice(0, 4) ?? 0);
  const unknown = made.find(({ number, breaking }) => Number(number) > newest && breaking === 1);
  if (unknown !== undefined) {
    throw new ColdpatchError(
      'store_newer',
      `Expected a database of migration ${newest} or one that this version can read, but it has the breaking ` +
        `migration ${String(unknown['number'])}. Update coldpatch on this host.`,
    );
  }
  const known = new Set(made.map(({ number }) => Number(number)));
  for (const name of files) {
    const number = Number(name.slice(0, 4));
    if (known.has(number)) continue;
    apply(database, { number, name, sql: readFileSync(join(directory, name), 'utf8'), now });
  }
}

interface Migration {
  readonly number: number;
  readonly name: string;
  readonly sql: string;
  readonly now: () => Date;
}

function apply(database: DatabaseSync, { number, name, sql, now }: Migration): void {
  const breaking = sql.startsWith('-- breaking: yes') ? 1 : 0;
  database.exec('BEGIN IMMEDIATE');
  try {
    database.exec(sql);
    database
      .prepare('INSERT INTO migrations (number, name, breaking, made_at) VALUES (?, ?, ?, ?)')
      .run(number, name, breaking, now().toISOString());
    database.exec('COMMIT');
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
}
