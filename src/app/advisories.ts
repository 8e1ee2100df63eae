import type { Config } from '../config/schema.ts';
import { ColdpatchError } from '../lib/errors.ts';
import { openAdvisoryStore } from '../upgrades/advisories/advisory-store.ts';
import type { Feed } from '../upgrades/advisories/feed.ts';
import {
  type ImportProgress,
  type ImportResult,
  importAdvisories,
} from '../upgrades/advisories/import-advisories.ts';
import { advisoryFormatOf } from '../upgrades/advisories/registry.ts';

export interface ImportFeedRequest {
  readonly format: string;
  /** A file, or an address. */
  readonly source: string;
  readonly onProgress: (progress: ImportProgress) => void;
  readonly signal: AbortSignal;
}

/**
 * `coldpatch advisories import`. Feeds carry no signatures, so from the network they are taken by https alone.
 *
 * @throws ColdpatchError `usage`, `advisories_invalid`, `file_not_found`, `repository_unreachable`, `host_space`
 */
export async function importFeed(config: Config, request: ImportFeedRequest): Promise<ImportResult> {
  if (/^http:/i.test(request.source)) {
    throw new ColdpatchError(
      'usage',
      `Expected a file or an https address, found ${request.source}: advisories are not signed, and anybody on the way could change these. ` +
        'Fetch them in a way that you trust, and import the file.',
    );
  }
  const format = advisoryFormatOf(request.format);
  const store = openAdvisoryStore({ cacheDirectory: config.cacheDirectory, now: () => new Date() });
  try {
    return await importAdvisories({ store, ...request, format });
  } finally {
    store.close();
  }
}

/** `coldpatch advisories list`. */
export function listFeeds({ cacheDirectory }: Config): readonly Feed[] {
  const store = openAdvisoryStore({ cacheDirectory, now: () => new Date() });
  try {
    return store.feeds();
  } finally {
    store.close();
  }
}

/** `coldpatch advisories remove`. @throws ColdpatchError `usage` when there is no such feed. */
export async function removeFeed(config: Config, format: string, source: string): Promise<void> {
  const store = openAdvisoryStore({ cacheDirectory: config.cacheDirectory, now: () => new Date() });
  try {
    if (await store.removeFeed(advisoryFormatOf(format).id, source)) return;
  } finally {
    store.close();
  }
  throw new ColdpatchError(
    'usage',
    `Expected a feed that was imported, found none of format ${format} from ${source}. "coldpatch advisories list" shows them.`,
  );
}
