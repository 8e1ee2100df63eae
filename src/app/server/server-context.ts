import type { Config } from '../../config/schema.ts';
import { policySchema, type ServerConfig, type SourceConfig } from '../../config/server-schema.ts';
import { ColdpatchError } from '../../lib/errors.ts';
import { openSource } from '../../sources/registry.ts';
import { findImage, type StoredImage } from '../../store/images.ts';
import type { Store } from '../../store/open-store.ts';
import { findPolicy } from '../../store/policies.ts';

/** What every part of the server works with. */
export interface ServerContext {
  readonly config: Config;
  readonly settings: ServerConfig;
  readonly store: Store;
}

/**
 * A source as the file has it, with the policy that was set by the API if there is one.
 *
 * @throws ColdpatchError `object_unknown`: a source may be known to the store and no longer be configured;
 * `configuration_invalid`: the policy was set by a version with other keys.
 */
export async function configuredSource(
  { settings, store }: ServerContext,
  id: string,
): Promise<SourceConfig> {
  const found = settings.sources.find((source) => source.id === id);
  if (!found)
    throw new ColdpatchError('object_unknown', `Expected the id of a configured source, but found "${id}".`);
  const stored = await findPolicy(store, id);
  if (!stored) return found;
  const policy = policySchema.safeParse(JSON.parse(stored.document));
  if (policy.success) return { ...found, policy: policy.data };
  throw new ColdpatchError(
    'configuration_invalid',
    `Expected to understand the policy of source ${id}, which was set by the API on ${stored.changed_at}, but this version does not. ` +
      'Set it again, or remove it: then the file has the word.',
  );
}

/** @throws ColdpatchError `object_unknown` */
export async function imageOf({ store }: ServerContext, id: string | null): Promise<StoredImage> {
  const found = id === null ? undefined : await findImage(store, id);
  if (found) return found;
  throw new ColdpatchError('object_unknown', `Expected the id of an image, but there is no image ${id}.`);
}

/** The configuration of commands, knowing all folders in which something may be built on an image. */
export async function configWithFolders({ config, settings }: ServerContext): Promise<Config> {
  const folders = await Promise.all(settings.sources.map((source) => openSource(source).directories()));
  return { ...config, imageDirectories: [...new Set([...config.imageDirectories, ...folders.flat()])] };
}

/** Which file to read, and how: decided when the source was listed, and not found out again. */
export function requestOf(image: StoredImage) {
  const format = image.format as 'raw' | 'qcow2' | null;
  return {
    path: image.locator,
    ...(format !== null && { format }),
    backing: backingOf(image),
  };
}

export function backingOf(image: StoredImage): readonly string[] {
  return JSON.parse(image.backing) as readonly string[];
}
