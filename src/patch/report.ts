import { z } from 'zod';
import { fileClasses } from './recording/classify-changes.ts';

const digest = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .describe('SHA-256 of the image file');
const count = z.number().int().nonnegative();

/** What starting throw-away clones has shown. */
export const bootTestSchema = z.strictObject({
  outcome: z
    .enum(['passed', 'failed', 'not_told'])
    .describe('not_told: the image as it was does not start here either, so nothing is known of the upgrade'),
  detail: z.string(),
  accelerator: z.enum(['kvm', 'tcg']),
  firmware: z.enum(['bios', 'uefi', 'uefi with Secure Boot']),
  boots: z.array(
    z.strictObject({
      label: z
        .enum(['image', 'patched-1', 'unpatched', 'patched-2'])
        .describe('What was started; the names of its evidence begin with it'),
      verdict: z.enum([
        'no_boot_loader',
        'no_kernel',
        'kernel_panic',
        'emergency_mode',
        'no_login',
        'silent',
        'units_failed',
        'probe_failed',
        'healthy',
      ]),
      detail: z.string().describe('In the words of the guest, which may lie'),
      seconds: z.number().nonnegative(),
      notAsked: z.string().nullable().describe('Why nobody was asked inside; null when somebody was'),
      failedUnits: z.array(z.string()),
      failedProbes: z.array(z.string()),
      evidence: z.array(z.string()).describe('File names in the folder of the evidence'),
    }),
  ),
  evidence: z.string().describe('The folder with console texts, pictures of the screen and journals'),
});

export type BootTestReport = Readonly<z.infer<typeof bootTestSchema>>;

/** What `update --report FILE` writes. The names are fixed: scripts rely on them. */
export const reportSchema = z.strictObject({
  schema: z.literal(1),
  image: z.string(),
  startedAt: z.iso.datetime(),
  outcome: z.enum(['updated', 'nothing_to_do']),
  before: z.strictObject({ digest }),
  after: z.strictObject({ digest }),
  engine: z.strictObject({
    id: z.enum(['namespace', 'appliance', 'boot']),
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
  failedUnits: z
    .array(z.string())
    .describe(
      'Units that failed while a started copy upgraded itself, in its own words; the engine boot only',
    ),
  verification: z.array(z.strictObject({ check: z.string(), ok: z.boolean(), detail: z.string() })),
  bootTest: bootTestSchema.nullable().describe('Null when none was asked for, or nothing was to be done'),
  phases: z.array(z.strictObject({ name: z.string(), seconds: z.number().nonnegative() })),
  generation: count
    .nullable()
    .describe('The number under which the image as it was is kept; null when nothing changed'),
  recovered: z.array(z.string()),
});

export type Report = Readonly<z.infer<typeof reportSchema>>;
