import { z } from 'zod';

const time = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time such as 22:30');
const days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
const count = (most: number) => z.int().min(1).max(most);

const hostName = /^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$/;

const policySchema = z.strictObject({
  upgrade: z
    .enum(['never', 'after_approval', 'automatic'])
    .default('never')
    .describe('What happens by itself to an image that lags; a person may always start an upgrade'),
  engine: z.enum(['auto', 'namespace']).default('auto'),
  trustImages: z
    .boolean()
    .default(false)
    .describe('You trust everybody who could write into these images; the engine namespace needs it'),
  acceptUnclean: z.boolean().default(false).describe('Upgrade images whose machine crashed'),
  repositories: z
    .array(z.string())
    .optional()
    .describe('One-line apt sources in place of those of each image'),
  matchHours: count(8760)
    .default(24)
    .describe('How often an unchanged image is compared with what is published'),
});

const sourceSchema = z.strictObject({
  id: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must be small letters, digits and dashes'),
  kind: z.enum(['folder']),
  directory: z.string().regex(/^\//, 'must be an absolute path'),
  hosts: z
    .array(z.string().regex(hostName, 'must be the name of a host'))
    .min(1)
    .optional()
    .describe('Workers that see the images, by the name that each has; all unless given, by the same paths'),
  collectMinutes: count(10_080).default(60).describe('How often the source is listed'),
  policy: policySchema.prefault({}),
});

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
      hosts: z
        .record(
          z.string().regex(hostName, 'must be the name of a host'),
          z.strictObject({ upgrades: count(64).optional(), inspections: count(64).optional() }),
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
  window: z
    .strictObject({
      days: z
        .array(z.enum(days))
        .min(1)
        .default([...days]),
      from: time,
      to: time.describe('May be on the next day'),
      timeZone: z.string().refine(isTimeZone, 'must be a time zone such as Europe/Prague'),
    })
    .optional()
    .describe('Upgrades and rollbacks begin only within it'),
});

export type ServerConfig = Readonly<z.infer<typeof serverSchema>>;
export type SourceConfig = ServerConfig['sources'][number];
export type MaintenanceWindow = NonNullable<ServerConfig['window']>;

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
