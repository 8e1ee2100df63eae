import { randomUUID } from 'node:crypto';
import type { Insertable, Selectable, Updateable } from 'kysely';
import type { Store } from './open-store.ts';
import { tellOtherSources } from './other-sources.ts';
import { activeStates } from './runs.ts';
import { addSource } from './sources.ts';
import type { ImageRole, ImageRow } from './tables.ts';

/** One file as a source listed it. */
export interface ListedImage {
  readonly locator: string;
  readonly size: number;
  /** ISO 8601; with nanoseconds where the filesystem has them. */
  readonly modifiedAt: string;
  readonly format: string | null;
  /** Backing files, that of the image first. */
  readonly backing: readonly string[];
  readonly role: ImageRole;
  /** Whose it is, when the source knows. */
  readonly owner?: string | null;
  /** Why it cannot be read. */
  readonly problem: string | null;
}

export interface PassResult {
  readonly added: number;
  readonly changed: number;
  readonly unchanged: number;
  readonly gone: number;
  /** Ids of images that are new, or whose file or backing files are other than before. */
  readonly due: readonly string[];
}

export type StoredImage = Selectable<ImageRow>;

const rowsAtATime = 200;

/** What the inventory knows of a source's files, by their locator. */
export async function knownImages(
  { db }: Store,
  sourceId: string,
): Promise<ReadonlyMap<string, StoredImage>> {
  const rows = await db.selectFrom('images').selectAll().where('source_id', '=', sourceId).execute();
  return new Map(rows.map((row) => [row.locator, row]));
}

/** Writes a whole pass over a source in one transaction: what it did not list is gone. */
export async function recordPass(
  store: Store,
  source: { readonly id: string; readonly kind: string },
  listed: readonly ListedImage[],
): Promise<PassResult> {
  const at = store.now().toISOString();
  await addSource(store, source);
  const due: string[] = [];
  const added: Insertable<ImageRow>[] = [];
  const counts = { added: 0, changed: 0, unchanged: 0, gone: 0 };
  await store.db.transaction().execute(async (transaction) => {
    // Of all sources: each also changes images of the others.
    await store.lock(transaction, 'pass');
    const known = await knownImages({ ...store, db: transaction }, source.id);
    const changedFiles = new Set(
      listed.filter((image) => !isSameFile(image, known.get(image.locator))).map(({ locator }) => locator),
    );
    for (const image of listed) {
      const before = known.get(image.locator);
      const stale = changedFiles.has(image.locator) || image.backing.some((path) => changedFiles.has(path));
      if (before && !stale) {
        counts.unchanged += 1;
        const owner = image.owner ?? null;
        if (before.owner !== owner)
          await transaction
            .updateTable('images')
            .set({ owner, revision: before.revision + 1 })
            .where('id', '=', before.id)
            .execute();
        continue;
      }
      const id = before?.id ?? randomUUID();
      const values = {
        ...rowOf(image),
        owner: image.owner ?? null,
        state: 'present',
        digest: null,
        last_seen_at: at,
        revision: (before?.revision ?? 0) + 1,
      } as const;
      counts[before ? 'changed' : 'added'] += 1;
      if (before) await transaction.updateTable('images').set(values).where('id', '=', id).execute();
      else added.push({ ...emptyImage, ...values, id, source_id: source.id, first_seen_at: at });
      due.push(id);
    }
    for (let first = 0; first < added.length; first += rowsAtATime)
      await transaction
        .insertInto('images')
        .values(added.slice(first, first + rowsAtATime))
        .execute();
    const present = new Set(listed.map(({ locator }) => locator));
    for (const row of known.values()) {
      if (present.has(row.locator) || row.state === 'gone') continue;
      counts.gone += 1;
      const gone = { state: 'gone', revision: row.revision + 1 } as const;
      await transaction.updateTable('images').set(gone).where('id', '=', row.id).execute();
    }
    await tellOtherSources(transaction, source.id, {
      changed: changedFiles,
      bases: new Set(listed.flatMap(({ backing }) => backing)),
    });
    await transaction
      .updateTable('sources')
      .set({ last_pass_at: at, last_pass: JSON.stringify(counts) })
      .where('id', '=', source.id)
      .execute();
  });
  return { ...counts, due };
}

/** Only `sources`, when given: what a caller may not see does not exist. */
export interface ImageFilter {
  readonly sources?: readonly string[] | undefined;
  readonly source?: string | undefined;
  readonly system?: string | undefined;
  readonly state?: 'present' | 'gone' | undefined;
  readonly role?: ImageRole | undefined;
  /** Part of the locator. */
  readonly search?: string | undefined;
  readonly outdated?: boolean | undefined;
  /** Only images with one of these packages. */
  readonly packageIds?: readonly number[] | undefined;
  /** Only images that are open to this vulnerability: `CVE-2024-6387`. */
  readonly advisory?: string | undefined;
}

/** Present, readable images that were not matched since `before`, or whose file changed, and that no run holds. */
export async function staleImages(
  { db }: Store,
  sourceId: string,
  before: string,
): Promise<readonly StoredImage[]> {
  return db
    .selectFrom('images')
    .selectAll()
    .where('source_id', '=', sourceId)
    .where('state', '=', 'present')
    .where('problem', 'is', null)
    .where((where) =>
      where.or([
        where('digest', 'is', null),
        where.and([
          where('role', '=', 'leaf'),
          where.or([where('matched_at', 'is', null), where('matched_at', '<', before)]),
        ]),
      ]),
    )
    .where((where) =>
      where.not(
        where.exists(
          where
            .selectFrom('runs')
            .select('runs.id')
            .whereRef('runs.image_id', '=', 'images.id')
            .where('runs.state', 'in', activeStates),
        ),
      ),
    )
    .orderBy('role')
    .orderBy('locator')
    .execute();
}

/**
 * A page of images by their id, after the id `after`.
 * Packages and findings are asked for first, and stand here as ids: a database that sees how many images each of them
 * has can tell whether to begin with those images or with the page.
 */
export async function listImages(
  { db }: Store,
  filter: ImageFilter,
  page: { readonly after?: string | undefined; readonly limit: number },
): Promise<readonly StoredImage[]> {
  let query = db.selectFrom('images').selectAll('images').orderBy('images.id').limit(page.limit);
  const { sources, source, system, state, role, search, outdated, packageIds, advisory } = filter;
  if (page.after !== undefined) query = query.where('images.id', '>', page.after);
  if (sources) query = query.where('source_id', 'in', sources.length === 0 ? [''] : sources);
  if (source !== undefined) query = query.where('source_id', '=', source);
  if (system !== undefined) query = query.where('system_id', '=', system);
  if (state) query = query.where('state', '=', state);
  if (role) query = query.where('role', '=', role);
  if (search !== undefined)
    query = query.where((where) => where(where.fn<number>('instr', ['locator', where.val(search)]), '>', 0));
  if (outdated === true) query = query.where('outdated', '>', 0);
  if (outdated === false) query = query.where('outdated', '=', 0);
  // "Is true" keeps both databases from beginning with these inspections, fetching all their images and sorting them.
  if (packageIds)
    query = query.where((where) =>
      where(
        where.parens(
          'inspection_id',
          'in',
          where
            .selectFrom('inspection_packages')
            .select('inspection_packages.inspection_id')
            .where('package_id', 'in', packageIds.length === 0 ? [-1] : packageIds),
        ),
        'is',
        true,
      ),
    );
  if (advisory !== undefined) {
    const findings = await db.selectFrom('findings').select('id').where('advisory', '=', advisory).execute();
    if (findings.length === 0) return [];
    const ids = findings.map(({ id }) => id);
    query = query.where('images.id', 'in', (where) =>
      where.selectFrom('image_findings').select('image_findings.image_id').where('finding_id', 'in', ids),
    );
  }
  return query.execute();
}

/** Undefined when there is none. */
export async function findImage({ db }: Store, id: string): Promise<StoredImage | undefined> {
  return db.selectFrom('images').selectAll().where('id', '=', id).executeTakeFirst();
}

/** Changes what is known of an image, and so its ETag. */
export async function updateImageRow(
  { db }: Store,
  id: string,
  values: Omit<Updateable<ImageRow>, 'revision'>,
): Promise<void> {
  await db
    .updateTable('images')
    .set((set) => ({ ...values, revision: set('revision', '+', 1) }))
    .where('id', '=', id)
    .execute();
}

/** Numbers for the start page and the metrics. */
export async function countImages({ db }: Store, sources?: readonly string[]) {
  let query = db
    .selectFrom('images')
    .select(({ fn }) => [
      fn.countAll<number>().as('all'),
      fn.count<number>('inspection_id').as('inspected'),
      fn.count<number>('problem').as('unreadable'),
      fn.countAll<number>().filterWhere('outdated', '>', 0).as('outdated'),
      fn.countAll<number>().filterWhere('vulnerabilities', '>', 0).as('vulnerable'),
      fn.countAll<number>().filterWhere('urgent', '>', 0).as('urgent'),
    ])
    .where('state', '=', 'present');
  if (sources) query = query.where('source_id', 'in', sources.length === 0 ? [''] : sources);
  return query.executeTakeFirstOrThrow();
}

function isSameFile(image: ListedImage, before: StoredImage | undefined): boolean {
  if (before?.state !== 'present') return false;
  const row = rowOf(image);
  return (Object.keys(row) as (keyof typeof row)[]).every((key) => row[key] === before[key]);
}

function rowOf({ locator, size, modifiedAt, format, backing, role, problem }: ListedImage) {
  return { locator, size, modified_at: modifiedAt, format, backing: JSON.stringify(backing), role, problem };
}

const emptyImage = {
  inspection_id: null,
  system_id: null,
  system_version: null,
  system_name: null,
  outdated: null,
  held: null,
  matched_at: null,
  vulnerabilities: null,
  urgent: null,
  unknowns: null,
  last_boot_at: null,
  last_upgrade_at: null,
} as const;
