import { Cron } from 'croner';
import { z } from 'zod';

const count = (most: number) => z.int().min(1).max(most);

const hostName = /^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$/;

/** When upgrades may begin: from each time that `cron` names, for so many minutes. */
const windowSchema = z
  .strictObject({
    cron: z
      .string()
      .max(200)
      .describe('Minute, hour, day of the month, month, day of the week: `0 22 * * sat`'),
    timeZone: z
      .string()
      .max(100)
      .refine(isTimeZone, 'must be a time zone such as Europe/Prague')
      .describe('Whose clock it is'),
    minutes: count(10_080).describe('How long it is open'),
  })
  .refine(({ cron, timeZone }) => !isTimeZone(timeZone) || hasNextRun(cron, timeZone), {
    path: ['cron'],
    message: 'must be five fields of cron that come again, such as "0 22 * * sat"',
  });

const windowsSchema = z.array(windowSchema).max(100);

const packagePattern = z
  .string()
  .regex(/^[a-z0-9][a-z0-9+.-]{0,100}\*?$/, 'must be the name of a package, or its beginning and *');

/** What is done with the images of one source. */
export const policySchema = z.strictObject({
  upgrade: z
    .enum(['never', 'after_approval', 'automatic'])
    .default('never')
    .describe('What happens by itself to an image that lags; a person may always start an upgrade'),
  minimumSeverity: z
    .enum(['low', 'medium', 'high', 'critical'])
    .optional()
    .describe(
      'By itself only when an upgrade would close a vulnerability of at least this severity; unknown ones count',
    ),
  engine: z.enum(['auto', 'appliance', 'namespace', 'boot']).default('auto'),
  trustImages: z
    .boolean()
    .default(false)
    .describe('You trust everybody who could write into these images; the engine namespace needs it'),
  acceptUnclean: z.boolean().default(false).describe('Upgrade images whose machine crashed'),
  repositories: z
    .array(z.string().max(2000))
    .max(100)
    .optional()
    .describe('One-line apt sources in place of those of each image'),
  neverTouch: z
    .array(packagePattern)
    .max(1000)
    .default([])
    .describe('Packages that stay as they are, as if they were on hold in the image'),
  keepGenerations: count(1000)
    .optional()
    .describe('How many former states of an image stay after an upgrade; all unless given'),
  windows: windowsSchema
    .optional()
    .describe('Upgrades begin only within one of them; those of the server unless given'),
  matchHours: count(8760)
    .default(24)
    .describe('How often an unchanged image is compared with what is published'),
});

const ofEverySource = {
  id: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must be small letters, digits and dashes'),
  hosts: z
    .array(z.string().regex(hostName, 'must be the name of a host'))
    .min(1)
    .optional()
    .describe('Workers that see the images, by the name that each has; all unless given, by the same paths'),
  collectMinutes: count(10_080).default(60).describe('How often the source is listed'),
  policy: policySchema.prefault({}),
};

const sourceSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    ...ofEverySource,
    kind: z.literal('folder'),
    directory: z.string().regex(/^\//, 'must be an absolute path'),
  }),
  z.strictObject({
    ...ofEverySource,
    kind: z.literal('libvirt'),
    uri: z
      .string()
      .max(1000)
      .regex(/^[a-z][a-z0-9+]*:\/\//, 'must be the URI of a libvirt connection')
      .default('qemu:///system'),
    pools: z
      .array(z.string().min(1).max(200))
      .min(1)
      .optional()
      .describe('Storage pools; all pools of files unless given'),
    domains: z.boolean().default(true).describe('Also the disks of domains that are in no pool'),
  }),
]);

const hostResources = {
  memoryMebibytes: count(1 << 30)
    .optional()
    .describe('What all steps may take of the memory of a host; no limit unless given'),
  scratchMebibytes: count(1 << 30)
    .optional()
    .describe('Room that all working copies on a host may take; no limit unless given'),
  ioMebibytesPerSecond: count(1 << 20)
    .optional()
    .describe('What all upgrades on a host may read and write; no limit unless given'),
};

/** What `coldpatch serve --policies FILE` reads: sources, what is done with their images, and when. */
export const serverSchema = z.strictObject({
  sources: z
    .array(sourceSchema)
    .refine((all) => new Set(all.map(({ id }) => id)).size === all.length, 'must have different ids'),
  limits: z
    .strictObject({
      upgrades: count(64)
        .default(1)
        .describe('Upgrades at a time: each takes a copy of its image, and memory'),
      inspections: count(64).default(1),
      ...hostResources,
      hosts: z
        .record(
          z.string().regex(hostName, 'must be the name of a host'),
          z.strictObject({
            upgrades: count(64).optional(),
            inspections: count(64).optional(),
            ...hostResources,
          }),
        )
        .default({})
        .describe('Other limits for some workers, by the name of the host'),
    })
    .prefault({}),
  workers: z
    .strictObject({
      heartbeatSeconds: z
        .int()
        .min(10)
        .max(3600)
        .default(30)
        .describe('After so long without a sign of life of a worker, others do its steps'),
    })
    .prefault({}),
  windows: windowsSchema
    .default([])
    .describe('Upgrades of sources without windows of their own begin only within one; at any time if none'),
});

export type ServerConfig = Readonly<z.infer<typeof serverSchema>>;
export type SourceConfig = ServerConfig['sources'][number];
export type SourcePolicy = z.infer<typeof policySchema>;
export type MaintenanceWindow = z.infer<typeof windowSchema>;

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

function hasNextRun(cron: string, timeZone: string): boolean {
  try {
    return new Cron(cron, { timezone: timeZone, paused: true, mode: '5-part' }).nextRun() !== null;
  } catch {
    return false;
  }
}
