import { z } from 'zod';
import { fileClasses } from './recording/classify-changes.ts';

const digest = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .describe('SHA-256 of the image file');
const count = z.number().int().nonnegative();

/** What `update --report FILE` writes. The names are fixed: scripts rely on them. */
export const reportSchema = z.strictObject({
  schema: z.literal(1),
  image: z.string(),
  startedAt: z.iso.datetime(),
  outcome: z.enum(['updated', 'nothing_to_do']),
  before: z.strictObject({ digest }),
  after: z.strictObject({ digest }),
  engine: z.strictObject({
    id: z.enum(['namespace', 'appliance']),
    reason: z.string(),
    isolation: z.string().describe('What keeps guest code from the host'),
    trust: z.enum(['declared_by_operator', 'not_needed']),
  }),
  copy: z.enum(['reflink', 'copy']).nullable(),
  changes: z.array(
    z.strictObject({
      name: z.string(),
      architecture: z.string(),
      from: z.string().nullable(),
      to: z.string().nullable(),
      suite: z.string().nullable(),
      downloadSize: count,
    }),
  ),
  held: z.array(
    z.strictObject({
      name: z.string(),
      architecture: z.string(),
      version: z.string(),
      candidate: z.string(),
      reason: z.string(),
    }),
  ),
  repositories: z.array(
    z.strictObject({
      uri: z.string(),
      suite: z.string(),
      releaseDigest: z.string(),
      date: z.string(),
      validUntil: z.string().nullable(),
    }),
  ),
  files: z.strictObject({
    added: count,
    changed: count,
    removed: count,
    byClass: z.array(
      z.strictObject({ class: z.enum(fileClasses), added: count, changed: count, removed: count }),
    ),
    conflicts: z
      .array(z.strictObject({ path: z.string(), newVersion: z.string() }))
      .describe(
        'Configuration files that the operator changed and a package changed too: kept, the new one beside it',
      ),
  }),
  kernels: z.strictObject({
    initramfsBuilt: z.array(z.string()),
    bootMenuWritten: z.boolean(),
  }),
  atNextStart: z.array(z.strictObject({ package: z.string(), action: z.string() })),
  postponed: z
    .array(z.string())
    .describe('Commands that package scripts gave and that only the running machine can do'),
  verification: z.array(z.strictObject({ check: z.string(), ok: z.boolean(), detail: z.string() })),
  phases: z.array(z.strictObject({ name: z.string(), seconds: z.number().nonnegative() })),
  generation: count
    .nullable()
    .describe('The number under which the image as it was is kept; null when nothing changed'),
  recovered: z.array(z.string()),
});

export type Report = Readonly<z.infer<typeof reportSchema>>;
