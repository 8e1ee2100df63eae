import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { ColdpatchError } from '../../lib/errors.ts';
import { advisoriesInvalid } from './advisories-invalid.ts';
import { checkRecord } from './check-record.ts';
import type { Feed } from './feed.ts';
import { openAdvisoryDatabase } from './open-advisory-database.ts';
import { feedOf, type FeedRow, mergeFacts, statementOf } from './rows.ts';
import type { AdvisoryFormatId, AdvisoryRecord, Provenance, Statement, VulnerabilityFact } from './types.ts';
import { withSqliteErrors } from './with-sqlite-errors.ts';

export interface StoredStatement {
  readonly statement: Statement;
  readonly provenance: Provenance;
}

export interface FeedRequest {
  readonly format: AdvisoryFormatId;
  readonly source: string;
  readonly revision: number;
  readonly records: AsyncIterable<AdvisoryRecord>;
  /** Called once all records have come. */
  seal(): { readonly digest: string; readonly etag?: string };
}

/** Everything that imported feeds say. One connection: reading sees what was committed last. */
export interface AdvisoryStore {
  feeds(): readonly Feed[];
  feedFrom(format: AdvisoryFormatId, source: string): Feed | undefined;
  /** Some feed speaks of this release. */
  knowsRelease(release: string): boolean;
  /** What is said of a source package or a binary package of this name. */
  statementsOf(release: string, packageName: string): readonly StoredStatement[];
  /** What all feeds together say of a vulnerability. */
  factOf(vulnerability: string): VulnerabilityFact | undefined;
  /** The same from those feeds that say more than a summary: quicker, since most do not. */
  gradeOf(vulnerability: string): VulnerabilityFact | undefined;
  /** Changes whenever somebody else, or an import here, has changed what is stored. */
  version(): number;
  /** All reading in `work` sees one state, whoever writes meanwhile. */
  snapshot<T>(work: () => T): T;
  /**
   * Replaces what the same source said in this format, all at once: after an error the old is still there.
   * Waits for other imports, of this process and of others.
   * @throws ColdpatchError `advisories_invalid`, `host_space`, and what `records` throws.
   */
  replaceFeed(request: FeedRequest): Promise<Feed>;
  /** The source says the same still. */
  confirmFeed(format: AdvisoryFormatId, source: string): Promise<Feed | undefined>;
  /** @returns whether there was such a feed. */
  removeFeed(format: AdvisoryFormatId, source: string): Promise<boolean>;
  close(): void;
}

export interface AdvisoryStoreOptions {
  readonly cacheDirectory: string;
  readonly now: () => Date;
}

/** Name of the database in the cache directory. */
export const advisoryDatabase = 'advisories.sqlite';

const mostRecords = 20_000_000;
const lockWaitSeconds = 900;

/** @throws ColdpatchError `file_unreadable` when the database is damaged or newer than this program. */
export function openAdvisoryStore({ cacheDirectory, now }: AdvisoryStoreOptions): AdvisoryStore {
  mkdirSync(cacheDirectory, { recursive: true });
  const path = join(cacheDirectory, advisoryDatabase);
  const database = openAdvisoryDatabase(path);
  const select = {
    feeds: database.prepare('SELECT * FROM feeds ORDER BY format, source'),
    feed: database.prepare('SELECT * FROM feeds WHERE format = ? AND source = ?'),
    feedById: database.prepare('SELECT * FROM feeds WHERE id = ?'),
    release: database.prepare('SELECT 1 FROM statements WHERE release = ? LIMIT 1'),
    statements: database.prepare(
      `SELECT feed, package_kind, vulnerability, advisory, status, fixed_version, introduced_version,
         last_affected_version, severity, note
       FROM statements WHERE release = ? AND package = ? ORDER BY rowid`,
    ),
    facts: database.prepare('SELECT * FROM facts WHERE vulnerability = ? ORDER BY feed DESC'),
    grades: database.prepare(
      'SELECT * FROM facts WHERE vulnerability = ? AND is_grade = 1 ORDER BY feed DESC',
    ),
    version: database.prepare('PRAGMA data_version'),
  };
  const provenances = new Map<number, Provenance>();

  function guarded<T>(work: () => T): T {
    return withSqliteErrors(path, work);
  }

  /** Numbers of feeds are never used again, so that one may be remembered. */
  function provenanceOf(id: number): Provenance {
    const known = provenances.get(id);
    if (known !== undefined) return known;
    const { format, source, digest, importedAt } = feedOf(select.feedById.get(id) as unknown as FeedRow);
    const provenance: Provenance = { format, source, digest, importedAt };
    provenances.set(id, provenance);
    return provenance;
  }

  function snapshot<T>(work: () => T): T {
    if (database.isTransaction) return work();
    database.exec('BEGIN');
    try {
      return work();
    } finally {
      database.exec('COMMIT');
    }
  }

  /** Writing has a connection of its own, so that nobody here reads half of it. */
  async function write<T>(work: (writer: DatabaseSync) => Promise<T>): Promise<T> {
    const writer = openAdvisoryDatabase(path);
    try {
      await begin(writer, path);
      const result = await work(writer);
      guarded(() => writer.exec('COMMIT'));
      return result;
    } finally {
      if (writer.isTransaction) writer.exec('ROLLBACK');
      writer.close();
    }
  }

  return {
    feeds: () => guarded(() => (select.feeds.all() as unknown as FeedRow[]).map(feedOf)),
    feedFrom: (format, source) =>
      guarded(() => {
        const row = select.feed.get(format, source) as unknown as FeedRow | undefined;
        return row === undefined ? undefined : feedOf(row);
      }),
    knowsRelease: (release) => guarded(() => select.release.get(release) !== undefined),
    statementsOf: (release, packageName) =>
      guarded(() =>
        snapshot(() =>
          select.statements.all(release, packageName).map((row) => ({
            statement: statementOf(row, release, packageName),
            provenance: provenanceOf(Number(row['feed'])),
          })),
        ),
      ),
    factOf: (vulnerability) => guarded(() => mergeFacts(vulnerability, select.facts.all(vulnerability))),
    gradeOf: (vulnerability) => guarded(() => mergeFacts(vulnerability, select.grades.all(vulnerability))),
    version: () => guarded(() => Number(select.version.get()?.['data_version'])),
    snapshot: (work) => guarded(() => snapshot(work)),
    replaceFeed: (request) =>
      write(async (writer) => {
        guarded(() => remove(writer, request.format, request.source));
        const time = now().toISOString();
        const id = guarded(() => insertFeed(writer, request, time));
        const { statements, facts } = await insertRecords(writer, id, request.records, guarded);
        const { digest, etag } = request.seal();
        return guarded(() => {
          writer
            .prepare('UPDATE feeds SET digest = ?, etag = ?, statements = ?, facts = ? WHERE id = ?')
            .run(digest, etag ?? null, statements, facts, id);
          return feedOf(writer.prepare('SELECT * FROM feeds WHERE id = ?').get(id) as unknown as FeedRow);
        });
      }),
    confirmFeed: (format, source) =>
      write((writer) => {
        const row = guarded(() =>
          writer
            .prepare('UPDATE feeds SET checked_at = ? WHERE format = ? AND source = ? RETURNING *')
            .get(now().toISOString(), format, source),
        ) as unknown as FeedRow | undefined;
        return Promise.resolve(row === undefined ? undefined : feedOf(row));
      }),
    removeFeed: (format, source) =>
      write((writer) => Promise.resolve(guarded(() => remove(writer, format, source)))),
    close: () => database.close(),
  };
}

/** Becomes the one writer without blocking this process, of which another import may be the writer. */
async function begin(writer: DatabaseSync, path: string): Promise<void> {
  writer.exec('PRAGMA busy_timeout = 0');
  const busy = 5;
  for (let waited = 0; ; waited += 0.1) {
    try {
      writer.exec('BEGIN IMMEDIATE');
      return;
    } catch (error) {
      const isBusy = error instanceof Error && 'errcode' in error && Number(error.errcode) % 256 === busy;
      if (!isBusy) throw error;
      if (waited > lockWaitSeconds) {
        throw new ColdpatchError(
          'host_tool_timeout',
          `Expected to write ${path}, but another import has been writing for ${lockWaitSeconds} s. Try again later.`,
          { cause: error },
        );
      }
    }
    await sleep(100);
  }
}

function remove(writer: DatabaseSync, format: string, source: string): boolean {
  const row = writer.prepare('SELECT id FROM feeds WHERE format = ? AND source = ?').get(format, source);
  if (row === undefined) return false;
  const id = Number(row['id']);
  for (const statement of [
    'DELETE FROM statements WHERE feed = ?',
    'DELETE FROM facts WHERE feed = ?',
    'DELETE FROM feeds WHERE id = ?',
  ]) {
    writer.prepare(statement).run(id);
  }
  return true;
}

function insertFeed(writer: DatabaseSync, { format, source, revision }: FeedRequest, time: string): number {
  const { lastInsertRowid } = writer
    .prepare(
      `INSERT INTO feeds (format, source, revision, digest, imported_at, checked_at, statements, facts)
       VALUES (?, ?, ?, '', ?, ?, 0, 0)`,
    )
    .run(format, source, revision, time, time);
  return Number(lastInsertRowid);
}

async function insertRecords(
  writer: DatabaseSync,
  feed: number,
  records: AsyncIterable<AdvisoryRecord>,
  guarded: <T>(work: () => T) => T,
): Promise<{ readonly statements: number; readonly facts: number }> {
  const insertStatement = writer.prepare(
    'INSERT INTO statements VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
  );
  const insertFact = writer.prepare('INSERT INTO facts VALUES (?, ?, ?, ?, ?, ?, ?)');
  let statements = 0;
  let facts = 0;
  for await (const record of records) {
    checkRecord(record);
    if (record.kind === 'statement') {
      statements += 1;
      const one = record.statement;
      guarded(() =>
        insertStatement.run(
          feed,
          one.release,
          one.package,
          one.packageKind,
          one.vulnerability,
          one.advisory ?? null,
          one.status,
          one.fixedVersion ?? null,
          one.introducedVersion ?? null,
          one.lastAffectedVersion ?? null,
          one.severity,
          one.note ?? null,
        ),
      );
    } else {
      facts += 1;
      const { vulnerability, severity, summary, exploitedSince, exploitProbability } = record.fact;
      guarded(() =>
        insertFact.run(
          feed,
          vulnerability,
          severity ?? null,
          summary ?? null,
          exploitedSince ?? null,
          exploitProbability ?? null,
          severity === undefined && exploitedSince === undefined && exploitProbability === undefined ? 0 : 1,
        ),
      );
    }
    if (statements + facts > mostRecords) {
      throw advisoriesInvalid(`at most ${mostRecords} statements of a feed`, 'there are more');
    }
  }
  return { statements, facts };
}
