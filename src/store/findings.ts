import { createHash } from 'node:crypto';
import type { Store } from './open-store.ts';
import type { FindingRow } from './tables.ts';

/** That a package of an image has a vulnerability. */
export type Finding = Omit<FindingRow, 'id'>;

export type StoredFinding = FindingRow;

const rowsAtATime = 200;

/** Puts what a comparison found of an image in the place of what the one before found. Equal findings share their rows. */
export async function replaceFindings(
  { db }: Store,
  imageId: string,
  findings: readonly Finding[],
): Promise<void> {
  const rows = new Map(findings.map((finding) => [idOf(finding), { ...finding, id: idOf(finding) }]));
  await db.transaction().execute(async (transaction) => {
    const before = await transaction
      .selectFrom('image_findings')
      .select('finding_id')
      .where('image_id', '=', imageId)
      .execute();
    const kept = new Set(before.map(({ finding_id }) => finding_id));
    const added = [...rows.values()].filter(({ id }) => !kept.has(id));
    for (const some of portions(added)) {
      await transaction
        .insertInto('findings')
        .values(some)
        .onConflict((conflict) => conflict.column('id').doNothing())
        .execute();
      await transaction
        .insertInto('image_findings')
        .values(some.map(({ id }) => ({ finding_id: id, image_id: imageId })))
        .execute();
    }
    const closed = [...kept].filter((id) => !rows.has(id));
    for (const some of portions(closed)) {
      await transaction
        .deleteFrom('image_findings')
        .where('image_id', '=', imageId)
        .where('finding_id', 'in', some)
        .execute();
      await transaction
        .deleteFrom('findings')
        .where('id', 'in', some)
        .where(({ not, exists, selectFrom }) =>
          not(
            exists(
              selectFrom('image_findings')
                .select('image_findings.finding_id')
                .whereRef('image_findings.finding_id', '=', 'findings.id'),
            ),
          ),
        )
        .execute();
    }
  });
}

/** A page of what is known of an image, by ids after `after`. */
export async function findingsOfImage(
  { db }: Store,
  imageId: string,
  page: { readonly after?: string | undefined; readonly limit: number },
): Promise<readonly StoredFinding[]> {
  let query = db
    .selectFrom('image_findings')
    .innerJoin('findings', 'findings.id', 'image_findings.finding_id')
    .selectAll('findings')
    .where('image_findings.image_id', '=', imageId);
  if (page.after !== undefined) query = query.where('image_findings.finding_id', '>', page.after);
  return query.orderBy('image_findings.finding_id').limit(page.limit).execute();
}

/** From what it says: whoever finds the same again needs not ask for its row. */
function idOf(finding: Finding): string {
  const { advisory, manager, architecture, installed, severity, fixed_version, remedy } = finding;
  const text = JSON.stringify([
    advisory,
    manager,
    finding.package,
    architecture,
    installed,
    severity,
    fixed_version,
    remedy,
    finding.exploited_since,
  ]);
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

function portions<Item>(items: readonly Item[]): readonly (readonly Item[])[] {
  return Array.from({ length: Math.ceil(items.length / rowsAtATime) }, (_, index) =>
    items.slice(index * rowsAtATime, (index + 1) * rowsAtATime),
  );
}
