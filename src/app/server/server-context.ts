import type { Config } from '../../config/schema.ts';
import type { ServerConfig, SourceConfig } from '../../config/server-schema.ts';
import { ColdpatchError } from '../../lib/errors.ts';
import { findImage, type StoredImage } from '../../store/images.ts';
import type { Store } from '../../store/open-store.ts';

/** What every part of the server works with. */
export interface ServerContext {
  readonly config: Config;
  readonly settings: ServerConfig;
  readonly store: Store;
}

/** @throws ColdpatchError `object_unknown`: a source may be known to the store and no longer be configured. */
export function configuredSource({ settings }: ServerContext, id: string): SourceConfig {
  const found = settings.sources.find((source) => source.id === id);
  if (found) return found;
  throw new ColdpatchError('object_unknown', `Expected the id of a configured source, but found "${id}".`);
}

/** @throws ColdpatchError `object_unknown` */
export async function imageOf({ store }: ServerContext, id: string | null): Promise<StoredImage> {
  const found = id === null ? undefined : await findImage(store, id);
  if (found) return found;
  throw new ColdpatchError('object_unknown', `Expected the id of an image, but there is no image ${id}.`);
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
