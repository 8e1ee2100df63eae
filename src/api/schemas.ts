import { z } from 'zod';
import type { StoredFinding, StoredImage, StoredRun } from '../app/server/application.ts';

const nullableText = z.string().nullable();

export const imageSchema = z
  .object({
    id: z.string(),
    source: z.string(),
    locator: z.string(),
    state: z.enum(['present', 'gone']),
    role: z.enum(['leaf', 'base']).describe('Others are built on a base: it is never changed'),
    size: z.number(),
    modifiedAt: z.string(),
    format: nullableText,
    backing: z.array(z.string()),
    owner: nullableText.describe('The machine that has it as a disk, when its source knows'),
    problem: nullableText.describe('Why it cannot be worked with'),
    digest: nullableText.describe('SHA-256 of the file; null until it was read'),
    system: z.object({ id: z.string(), version: nullableText, name: nullableText }).nullable(),
    gaps: z.number(),
    outdated: z.number().nullable().describe('Packages for which an upgrade is published; null: not known'),
    exposure: z
      .object({
        vulnerabilities: z.number(),
        urgent: z.number().describe('Critical, high, or known to be exploited'),
        unknowns: z.number().describe('What could not be found out: not clean unless it is 0'),
      })
      .nullable()
      .describe('null: not compared with advisories'),
    held: nullableText.describe('Why it is not upgraded by itself'),
    lastBootAt: nullableText,
    lastUpgradeAt: nullableText,
    matchedAt: nullableText,
  })
  .meta({ id: 'Image' });

export function imageView(row: StoredImage): z.infer<typeof imageSchema> {
  return {
    id: row.id,
    source: row.source_id,
    locator: row.locator,
    state: row.state,
    role: row.role,
    size: row.size,
    modifiedAt: row.modified_at,
    format: row.format,
    backing: JSON.parse(row.backing) as string[],
    owner: row.owner,
    problem: row.problem,
    digest: row.digest,
    system:
      row.system_id === null
        ? null
        : { id: row.system_id, version: row.system_version, name: row.system_name },
    gaps: row.gaps,
    outdated: row.outdated,
    exposure:
      row.vulnerabilities === null
        ? null
        : { vulnerabilities: row.vulnerabilities, urgent: row.urgent ?? 0, unknowns: row.unknowns ?? 0 },
    held: row.held,
    lastBootAt: row.last_boot_at,
    lastUpgradeAt: row.last_upgrade_at,
    matchedAt: row.matched_at,
  };
}

export const runSchema = z
  .object({
    id: z.string(),
    kind: z.enum(['collect', 'inspect', 'upgrade', 'rollback']),
    source: z.string(),
    image: nullableText,
    state: z.enum(['queued', 'running', 'waiting', 'done', 'failed', 'cancelled']),
    paused: z.boolean().describe('It begins no further step until it is resumed'),
    host: nullableText.describe('Who carried out its last step; null where the server itself does'),
    attempt: z.number(),
    requestedBy: z.string(),
    requestedAt: z.string(),
    approvedBy: nullableText,
    startedAt: nullableText,
    endedAt: nullableText,
    outcome: z.unknown().describe('What the last finished step found'),
    error: z.object({ code: z.string(), message: nullableText }).nullable(),
  })
  .meta({ id: 'Run' });

export function runView(row: StoredRun): z.infer<typeof runSchema> {
  return {
    id: row.id,
    kind: row.kind,
    source: row.source_id,
    image: row.image_id,
    state: row.state,
    paused: row.paused === 1,
    host: row.host,
    attempt: row.attempt,
    requestedBy: row.requested_by,
    requestedAt: row.requested_at,
    approvedBy: row.approved_by,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    outcome: row.outcome === null ? null : JSON.parse(row.outcome),
    error: row.error_code === null ? null : { code: row.error_code, message: row.error_message },
  };
}

export const findingSchema = z
  .object({
    id: z.string(),
    advisory: z.string().describe("The vulnerability: `CVE-2024-6387`, or the feed's own number"),
    manager: z.string(),
    package: z.string(),
    architecture: z.string(),
    installed: z.string(),
    severity: z.string(),
    fixedVersion: nullableText.describe('The first version that does not have it'),
    remedy: z.string(),
    exploitedSince: nullableText,
  })
  .meta({ id: 'Finding' });

export function findingView(row: StoredFinding): z.infer<typeof findingSchema> {
  const { fixed_version, exploited_since, ...same } = row;
  return { ...same, fixedVersion: fixed_version, exploitedSince: exploited_since };
}

/** Text that every database can keep: PostgreSQL has no NUL. */
export function textOf(most: number) {
  return z
    .string()
    .max(most)
    .regex(/^[^\0]*$/, 'must have no NUL');
}

/** The number of an event or of an entry of the audit log, as the databases count them. */
export const sequence = z.coerce.number().int().min(0).max(2_147_483_647).default(0);

export const idParameters = z.object({ id: textOf(100) });

/** `cursor` is what the page before gave as `next`. */
export const pageQuery = z.object({
  cursor: z.uuid().optional(),
  limit: z.coerce.number().int().min(1).max(500).default(100),
});

export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.object({ items: z.array(item), next: z.string().nullable() });
}

/** The cursor of the next page: the last id of a full one. */
export function nextOf(rows: readonly { readonly id: string }[], limit: number): string | null {
  return rows.length < limit ? null : (rows.at(-1)?.id ?? null);
}
