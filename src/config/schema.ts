import { z } from 'zod';
import { generationsSchema } from './keeping-schema.ts';

const directory = z.string().regex(/^\//, 'must be an absolute path');

/** The one schema of the configuration: it yields types, validation and the names in file and environment. */
export const configSchema = z.strictObject({
  cacheDirectory: directory.describe('Packages and repository lists, shared by all images'),
  stateDirectory: directory.describe(
    'The machines of this host, their generations but for the disks, the log of them, the key that signs, and the database of the server',
  ),
  imageDirectories: z
    .array(directory)
    .describe(
      "Folders with images, besides an image's own: where children are looked for, and what doctor examines",
    ),
  kvmProbeSeconds: z
    .int('must be a whole number')
    .min(1, 'must be at least 1')
    .max(120, 'must be at most 120')
    .describe('How long a guest may take to show that KVM works'),
  upgradeSeconds: z
    .int('must be a whole number')
    .min(1, 'must be at least 1')
    .max(604_800, 'must be at most 604800')
    .describe('How long the upgrade of one copy may take in the appliance, or when it is started'),
  generations: generationsSchema,
  otlpEndpoint: z
    .string()
    .refine(isHttpUrl, 'must be an http or https URL')
    .optional()
    .describe('Where server and workers send traces: a collector that speaks OTLP over HTTP'),
});

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

export type Config = Readonly<z.infer<typeof configSchema>>;

export type ConfigKey = keyof Config;

export const configKeys = Object.keys(configSchema.shape) as readonly ConfigKey[];
