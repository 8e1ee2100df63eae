import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ColdpatchError } from '../lib/errors.ts';

export type DialectName = 'sqlite' | 'postgres';

/** One numbered file. */
export interface Migration {
  readonly number: number;
  readonly name: string;
  /** Programs that do not know it must not use the database. */
  readonly breaking: boolean;
  /** As this dialect reads it. */
  readonly sql: string;
}

/** A row of the table in which a database keeps what was made. */
export interface MadeMigration {
  readonly number: number;
  readonly breaking: number;
}

/** Of the table of migrations itself, in both dialects. */
export const migrationsTable =
  'CREATE TABLE IF NOT EXISTS migrations ' +
  '(number integer PRIMARY KEY, name text NOT NULL, breaking integer NOT NULL, made_at text NOT NULL)';

const folder = join(import.meta.dirname, 'migrations');

/**
 * The migrations of this version in their order.
 * A first line `-- breaking: yes` marks one that older programs cannot live with.
 * Lines after `-- only sqlite` or `-- only postgres` are for that dialect, until `-- both`.
 */
export function readMigrations(dialect: DialectName, directory = folder): readonly Migration[] {
  return readdirSync(directory)
    .filter((name) => /^\d{4}-[a-z0-9-]+\.sql$/.test(name))
    .toSorted()
    .map((name) => {
      const text = readFileSync(join(directory, name), 'utf8');
      return {
        number: Number(name.slice(0, 4)),
        name,
        breaking: text.startsWith('-- breaking: yes'),
        sql: linesOf(dialect, text),
      };
    });
}

function linesOf(dialect: DialectName, text: string): string {
  let only = 'both';
  const lines = text.split('\n').filter((line) => {
    const [, marked] = /^-- (?:only )?(sqlite|postgres|both)$/.exec(line) ?? [];
    only = marked ?? only;
    return marked === undefined && (only === 'both' || only === dialect);
  });
  return lines.join('\n');
}

/** Those that a database does not have yet. @throws ColdpatchError `store_newer` */
export function missingMigrations(
  known: readonly Migration[],
  made: readonly MadeMigration[],
): readonly Migration[] {
  assertNoneBreaks(newestOf(known), made);
  const numbers = new Set(made.map(({ number }) => number));
  return known.filter(({ number }) => !numbers.has(number));
}

/** The number of the last of them. */
export function newestOf(known: readonly Migration[]): number {
  return known.at(-1)?.number ?? 0;
}

/** @throws ColdpatchError `store_newer` when one after `newest`, the newest that this version knows, is breaking. */
export function assertNoneBreaks(newest: number, made: readonly MadeMigration[]): void {
  const unknown = made.find(({ number, breaking }) => number > newest && breaking === 1);
  if (unknown !== undefined) {
    throw new ColdpatchError(
      'store_newer',
      `Expected a database of migration ${newest} or one that this version can read, but it has the breaking ` +
        `migration ${unknown.number}. Update coldpatch on this host.`,
    );
  }
}
