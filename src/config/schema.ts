import { z } from 'zod';

const directory = z.string().regex(/^\//, 'must be an absolute path');

/** The one schema of the configuration: it yields types, validation and the names in file and environment. */
export const configSchema = z.strictObject({
  cacheDirectory: directory.describe('Packages and repository lists, shared by all images'),
  imageDirectories: z
    .array(directory)
    .describe(
      "Folders with images, besides an image's own: where children are looked for, and what doctor examines",
    ),
});

export type Config = Readonly<z.infer<typeof configSchema>>;
