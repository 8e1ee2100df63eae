import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ColdpatchError } from '../../lib/errors.ts';
import { hasErrorCode } from '../../lib/has-error-code.ts';
import { type TarEntry, tarEntries } from '../../lib/tar-entries.ts';
import { writeAtomically } from '../write-atomically.ts';
import type { PoolTransfer } from './export-pool.ts';
import { type KeptKind, keptKinds, kindOfKept } from './list-kept-files.ts';
import { lockPool } from './lock-pool.ts';

export interface ImportPoolOptions {
  readonly cacheDirectory: string;
  /** What `exportPool` made. */
  readonly source: string;
  readonly signal?: AbortSignal;
}

/** Of a list, a package, or a signed state; hostile archives end here and not on a full disk. */
const mostBytes: Readonly<Record<KeptKind, number>> = {
  package: 8 * 1024 ** 3,
  list: 1024 ** 3,
  unpackedName: 64,
  signedRelease: 64 * 1024 ** 2,
  newestRelease: 64 * 1024 ** 2,
};

/**
 * Takes an archive of `exportPool` into the cache. Each package and list must have the digest that it is named for;
 * signatures are checked whenever a repository is used, with the keys of this host's operator or image.
 * An older state of a repository never replaces a newer one.
 *
 * @throws ColdpatchError `transfer_invalid`, `pool_busy`, `host_space`; what came before stays, each file whole.
 */
export async function importPool({
  cacheDirectory,
  source,
  signal,
}: ImportPoolOptions): Promise<PoolTransfer> {
  await using _lock = await lockPool(cacheDirectory, signal);
  const input = createReadStream(source, { highWaterMark: 1024 * 1024, ...(signal && { signal }) });
  let files = 0;
  let bytes = 0;
  try {
    for await (const entry of tarEntries(input, { what: source, code: 'transfer_invalid' })) {
      const kind = kindOf(entry, source);
      await store(entry, kind, cacheDirectory);
      files += 1;
      bytes += entry.size;
    }
  } catch (error) {
    if (!hasErrorCode(error, 'ENOENT', 'EACCES', 'EISDIR')) throw error;
    throw new ColdpatchError('file_unreadable', `Expected to read ${source}, but it cannot be read.`, {
      cause: error,
    });
  } finally {
    input.destroy();
  }
  return { files, bytes };
}

function kindOf({ name, type, size }: TarEntry, source: string): KeptKind {
  const kind = kindOfKept(name);
  if (kind === undefined || type !== '0') {
    throw invalid(
      source,
      `only files of a pool, by the names that it gives them`,
      JSON.stringify(name.slice(0, 200)),
    );
  }
  if (size > mostBytes[kind])
    throw invalid(source, `at most ${mostBytes[kind]} bytes in ${name}`, String(size));
  return kind;
}

async function store(entry: TarEntry, kind: KeptKind, cacheDirectory: string): Promise<void> {
  const target = join(cacheDirectory, entry.name);
  if (kind === 'newestRelease') return storeNewestRelease(entry, target, cacheDirectory);
  if ((await stat(target).catch(() => undefined))?.size === entry.size) return;
  const digest = (keptKinds.package.exec(entry.name) ?? keptKinds.list.exec(entry.name))?.[2];
  await writeAtomically(
    { root: rootOf(entry.name, cacheDirectory), mode: kind === 'package' ? 0o444 : 0o644 },
    async (file) => {
      const hash = createHash('sha256');
      for await (const chunk of entry.content) {
        hash.update(chunk);
        await file.writeFile(chunk);
      }
      const found = hash.digest('hex');
      if (digest !== undefined && found !== digest)
        throw invalid(entry.name, `bytes with SHA-256 ${digest}`, found);
      return { target };
    },
  );
}

/** `pool` or `metadata`: each has its own folder for unfinished files. */
function rootOf(name: string, cacheDirectory: string): string {
  return join(cacheDirectory, name.split('/')[0] ?? '');
}

async function storeNewestRelease(entry: TarEntry, target: string, cacheDirectory: string): Promise<void> {
  const parts: Uint8Array[] = [];
  for await (const chunk of entry.content) parts.push(chunk);
  const bytes = Buffer.concat(parts);
  const offered = dateOf(bytes);
  // A date to come would make every true state look like a replay.
  if (offered === undefined || offered > tomorrow())
    throw invalid(entry.name, 'a signed state with the date of its signature', offered ?? 'something else');
  const present = await readFile(target).then(dateOf, () => undefined);
  if (present !== undefined && present >= offered) return;
  await writeAtomically({ root: rootOf(entry.name, cacheDirectory) }, async (file) => {
    await file.writeFile(bytes);
    return { target };
  });
}

function tomorrow(): string {
  return new Date(Date.now() + 24 * 60 * 60 * 1000).toISOString();
}

function dateOf(bytes: Buffer): string | undefined {
  try {
    const { date } = JSON.parse(bytes.toString('utf8')) as { readonly date?: unknown };
    return typeof date === 'string' && /^\d{4}-\d{2}-\d{2}T[\d:.]+Z$/.test(date) ? date : undefined;
  } catch {
    return undefined;
  }
}

function invalid(where: string, expected: string, found: string): ColdpatchError {
  return new ColdpatchError(
    'transfer_invalid',
    `Expected ${expected} in ${where}, found ${found}. Export the pool again.`,
  );
}
