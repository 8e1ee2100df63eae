import { createHash } from 'node:crypto';
import { readFile, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeAtomically } from '../write-atomically.ts';
import type { SignedRelease } from './verify-signature.ts';
import { hasErrorCode } from '../../lib/has-error-code.ts';

/** The newest release that was accepted of one repository with one keyring. */
export interface ReleaseRecord {
  readonly release: SignedRelease;
  /** When it was made, as its own text says. */
  readonly date: Date;
  readonly etag?: string | undefined;
  readonly lastModified?: string | undefined;
}

const base64 = z.base64().transform((text) => Buffer.from(text, 'base64'));
const schema = z.strictObject({
  release: z.discriminatedUnion('form', [
    z.strictObject({ form: z.literal('inline'), bytes: base64 }),
    z.strictObject({ form: z.literal('detached'), bytes: base64, signature: base64 }),
    z.strictObject({ form: z.literal('unsigned'), bytes: base64 }),
  ]),
  date: z.iso.datetime().transform((text) => new Date(text)),
  etag: z.string().optional(),
  lastModified: z.string().optional(),
});

export interface RecordKey {
  /** `<cache>/metadata`. */
  readonly root: string;
  readonly uri: string;
  readonly suite: string;
  readonly keyringDigest: string;
}

/** Undefined when nothing was ever accepted, or when the record is not readable: then it is fetched again. */
export async function readReleaseRecord(key: RecordKey): Promise<ReleaseRecord | undefined> {
  return readRecord(pathOf(key));
}

async function readRecord(path: string): Promise<ReleaseRecord | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return undefined;
    throw error;
  }
  return schema.safeParse(parseJson(text)).data;
}

export async function writeReleaseRecord(key: RecordKey, record: ReleaseRecord): Promise<void> {
  await writeRecord(key.root, pathOf(key), record);
}

/** Keeps a state under the SHA-256 of its signed text, so that a plan can be repeated with just this one. */
export async function keepSignedRelease(root: string, digest: string, record: ReleaseRecord): Promise<void> {
  const path = signedPath(root, digest);
  if ((await readRecord(path)) === undefined) await writeRecord(root, path, record);
  else await utimes(path, new Date(), new Date());
}

/** A state that was accepted once, by the SHA-256 of its signed text; undefined when it is not kept. */
export async function readSignedRelease(root: string, digest: string): Promise<ReleaseRecord | undefined> {
  return readRecord(signedPath(root, digest));
}

function pathOf({ root, uri, suite, keyringDigest }: RecordKey): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([uri, suite, keyringDigest]))
    .digest('hex');
  return join(root, 'releases', `${digest}.json`);
}

async function writeRecord(root: string, target: string, record: ReleaseRecord): Promise<void> {
  const { release } = record;
  const text = JSON.stringify({
    ...record,
    release: {
      ...release,
      bytes: release.bytes.toString('base64'),
      ...(release.form === 'detached' ? { signature: release.signature.toString('base64') } : {}),
    },
  });
  await writeAtomically({ root }, async (file) => {
    await file.writeFile(text);
    return { target };
  });
}

function signedPath(root: string, digest: string): string {
  return join(root, 'signed', `${digest}.json`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
