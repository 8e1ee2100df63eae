import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import type { Inspection } from '../../guest/inspection.ts';
import { listGenerations } from '../../machines/generations/list-generations.ts';
import { hasSameContent, identityOf, type ImageIdentity } from '../../machines/image-identity.ts';
import { digestFile } from '../../lib/digest-file.ts';
import { ColdpatchError } from '../../lib/errors.ts';
import { type StoredImage, updateImageRow } from '../../store/images.ts';
import { digestsOfFiles } from '../../store/other-sources.ts';
import { findInspection, recordInspection } from '../../store/packages.ts';
import { inspectMany } from '../inspect.ts';
import { backingOf, requestOf, type ServerContext } from './server-context.ts';

/** Raise it when inspections find something else in equal bytes: they are then all made again. */
const revision = 1;

/** Reads an image, unless equal bytes were read before, and keeps what was found. */
export async function inspectStoredImage(context: ServerContext, image: StoredImage, signal: AbortSignal) {
  const { store } = context;
  const seen = identitiesOf(image);
  const own = await digestFile(image.locator, { signal });
  const digest = await chainDigest(context, image, { own, signal });
  const before = await findInspection(store, { digest });
  const found = before
    ? { id: before.id, inspection: JSON.parse(before.document) as Inspection }
    : await inspectNow(context, image, { digest, seen, signal });
  const { operatingSystem, gaps, state, packages } = found.inspection;
  await updateImageRow(store, image.id, {
    digest: own,
    ...((await wasRolledBack(image)) && { held: 'rolled_back' }),
    inspection_id: found.id,
    system_id: operatingSystem?.id ?? null,
    system_version: operatingSystem?.versionId ?? null,
    system_name: operatingSystem?.prettyName ?? null,
    gaps: gaps.length,
    last_boot_at: state.lastBootAt,
  });
  return {
    digest,
    readBefore: before !== undefined,
    system: operatingSystem?.id ?? null,
    packages: packages.length,
    gaps: gaps.length,
  };
}

/**
 * Whether the newest generation is what a rollback left, also one that nobody asked the server for.
 * An image whose bytes are known is not asked again, so that one that was released stays so.
 */
async function wasRolledBack({ digest, role, locator }: StoredImage): Promise<boolean> {
  if (digest !== null || role === 'base') return false;
  const newest = (await listGenerations(locator)).at(-1);
  return newest?.answer === 'complete' && newest.reason === 'rollback';
}

/** Of all bytes that the machine sees: the image's, and those of its backing files, each read once for all their images. */
async function chainDigest(
  { store }: ServerContext,
  image: StoredImage,
  { own, signal }: { readonly own: string; readonly signal: AbortSignal },
): Promise<string> {
  const known = await digestsOfFiles(store, backingOf(image));
  const digests = [own];
  for (const path of backingOf(image)) {
    const row = known.get(path);
    const digest = row?.digest ?? (await digestFile(path, { signal }));
    if (row && row.digest === null) await updateImageRow(store, row.id, { digest });
    digests.push(digest);
  }
  return createHash('sha256')
    .update(JSON.stringify([revision, image.format, ...digests]))
    .digest('hex');
}

async function inspectNow(
  { store }: ServerContext,
  image: StoredImage,
  {
    digest,
    seen,
    signal,
  }: { readonly digest: string; readonly seen: Identities; readonly signal: AbortSignal },
) {
  for await (const { value, error } of inspectMany([requestOf(image)], { threads: 1, signal })) {
    // What was read is kept under the digest of what was read before.
    assertSame(seen, identitiesOf(image));
    if (!value) throw new ColdpatchError(error.code, error.message);
    const document = JSON.stringify(value);
    const id = await recordInspection(store, { digest, document, packages: value.packages });
    return { id, inspection: value };
  }
  throw new ColdpatchError(
    'internal',
    `Expected an inspection of ${image.locator}, but there was no answer.`,
  );
}

type Identities = ReadonlyMap<string, ImageIdentity | undefined>;

/** Of the file that each name of the chain leads to now, if there is one. */
function identitiesOf(image: StoredImage): Identities {
  const paths = [image.locator, ...backingOf(image)];
  return new Map(
    paths.map((path) => {
      const status = statSync(path, { bigint: true, throwIfNoEntry: false });
      return [path, status && identityOf(status)];
    }),
  );
}

function assertSame(before: Identities, now: Identities): void {
  for (const [path, identity] of before) {
    const found = now.get(path);
    if (found && identity && hasSameContent(found, identity)) continue;
    throw new ColdpatchError(
      'image_changed',
      `Expected ${path} to stay as it was while it was read, but it was written or replaced. It is read again later.`,
    );
  }
}
