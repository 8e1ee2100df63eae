import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { digestFile } from '../lib/digest-file.ts';
import { ColdpatchError } from '../lib/errors.ts';
import { hasErrorCode } from '../lib/has-error-code.ts';
import {
  applianceDigest,
  applianceDirectory,
  currentFile,
  type FileDigests,
  manifestName,
} from './appliance-files.ts';
import type { Appliance } from './types.ts';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const manifestSchema = z.strictObject({
  schema: z.literal(3),
  digest: sha256,
  kernelRelease: z.string(),
  files: z.strictObject({ kernel: sha256, initramfs: sha256, tools: sha256 }),
  packages: z.array(z.strictObject({ file: z.string(), sha256 })),
});

/**
 * The appliance in use, after a look at every byte of it.
 *
 * @throws ColdpatchError `appliance_missing` when there is none, a damaged one, or one of another coldpatch.
 */
export async function openAppliance(cacheDirectory: string): Promise<Appliance> {
  try {
    const digest = sha256.parse((await readFile(currentFile(cacheDirectory), 'utf8')).trim());
    const directory = join(applianceDirectory(cacheDirectory), digest);
    const manifest = manifestSchema.parse(JSON.parse(await readFile(join(directory, manifestName), 'utf8')));
    const [kernel, initramfs, tools] = (['kernel', 'initramfs', 'tools'] as const).map((name) =>
      join(directory, name),
    ) as [string, string, string];
    const found: FileDigests = {
      kernel: await digestFile(kernel),
      initramfs: await digestFile(initramfs),
      tools: await digestFile(tools),
    };
    if (applianceDigest(found) !== digest || manifest.digest !== digest) throw missing('it is damaged');
    return { digest, kernel, initramfs, tools, manifest };
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) throw missing('there is none');
    if (error instanceof z.ZodError || error instanceof SyntaxError)
      throw missing('it is damaged, or of another version of coldpatch');
    throw error;
  }
}

function missing(found: string): ColdpatchError {
  return new ColdpatchError(
    'appliance_missing',
    `Expected an appliance in the cache, but ${found}. Build it with "coldpatch appliance build".`,
  );
}
