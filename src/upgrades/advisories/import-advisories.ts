import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { openDownload } from '../../lib/download.ts';
import { ColdpatchError, isColdpatchError } from '../../lib/errors.ts';
import { hasErrorCode } from '../../lib/has-error-code.ts';
import { advisoriesInvalid } from './advisories-invalid.ts';
import type { AdvisoryStore } from './advisory-store.ts';
import type { Feed } from './feed.ts';
import type { AdvisoryFormat, AdvisoryRecord } from './types.ts';
import { unpackFeed } from './unpack-feed.ts';

export interface ImportRequest {
  readonly store: AdvisoryStore;
  readonly format: AdvisoryFormat;
  /** Path of a file, or an address of http or https. */
  readonly source: string;
  /** Of the file as it comes. Default 2 GiB. */
  readonly maximumBytes?: number;
  /** Of what it unpacks to. Default 16 GiB. */
  readonly maximumPlainBytes?: number;
  readonly signal?: AbortSignal;
  onProgress?(progress: ImportProgress): void;
}

export interface ImportProgress {
  /** Read so far, as they came. */
  readonly bytes: number;
  /** Of a file; undefined for what is downloaded. */
  readonly totalBytes?: number;
  readonly records: number;
}

export interface ImportResult {
  readonly feed: Feed;
  /** False when the server said that nothing had changed since the last import. */
  readonly isChanged: boolean;
}

interface OpenedSource {
  readonly body: AsyncIterable<Uint8Array>;
  readonly totalBytes?: number;
  readonly etag?: string;
}

const gibibyte = 1024 ** 3;

/**
 * Reads a feed and puts it in the place of what the same source said before.
 * Nothing is written outside the store, and after an error the store is as it was.
 *
 * @throws ColdpatchError `advisories_invalid`, `file_not_found`, `file_unreadable`, `repository_unreachable`, `host_space`
 */
export async function importAdvisories(request: ImportRequest): Promise<ImportResult> {
  const { store, format, source } = request;
  const before = store.feedFrom(format.id, source);
  const opened = await open(request, before?.revision === format.revision ? before.etag : undefined);
  if (opened === undefined) {
    const feed = await store.confirmFeed(format.id, source);
    if (feed !== undefined) return { feed, isChanged: false };
    throw unreachable(source, 'the server says that it has not changed, and nobody asked that');
  }
  const hash = createHash('sha256');
  const { totalBytes, etag } = opened;
  let bytes = 0;
  let count = 0;
  let isWhole = false;

  async function* watched(): AsyncGenerator<Uint8Array> {
    for await (const chunk of opened?.body ?? []) {
      request.signal?.throwIfAborted();
      bytes += chunk.length;
      if (bytes > (request.maximumBytes ?? 2 * gibibyte)) {
        throw advisoriesInvalid(`at most ${request.maximumBytes ?? 2 * gibibyte} bytes`, 'there are more');
      }
      hash.update(chunk);
      request.onProgress?.({ bytes, ...(totalBytes === undefined ? {} : { totalBytes }), records: count });
      yield chunk;
    }
    isWhole = true;
  }

  async function* counted(): AsyncGenerator<AdvisoryRecord> {
    for await (const record of format.read(
      unpackFeed(watched(), request.maximumPlainBytes ?? 16 * gibibyte),
    )) {
      count += 1;
      yield record;
    }
  }

  const feed = await store.replaceFeed({
    format: format.id,
    source,
    revision: format.revision,
    records: counted(),
    seal() {
      if (!isWhole) throw advisoriesInvalid('one packed file', 'other bytes follow it');
      return { digest: hash.digest('hex'), ...(etag === undefined ? {} : { etag }) };
    },
  });
  return { feed, isChanged: true };
}

/** @returns undefined when the server has nothing newer than `etag`. */
async function open(
  { source, signal }: ImportRequest,
  etag: string | undefined,
): Promise<OpenedSource | undefined> {
  if (!/^https?:\/\//i.test(source)) return openFile(source);
  if (!URL.canParse(source))
    throw new ColdpatchError('usage', `Expected an address, found "${source.slice(0, 200)}".`);
  const answer = await openDownload({
    url: source,
    ...(etag === undefined ? {} : { headers: { 'if-none-match': etag } }),
    ...(signal === undefined ? {} : { signal }),
  });
  if (answer.answer === 'not-modified') return undefined;
  if (answer.answer === 'not-found') throw unreachable(source, 'the server has no such file');
  return { body: answer.body, ...(answer.etag === undefined ? {} : { etag: answer.etag }) };
}

async function openFile(path: string): Promise<OpenedSource> {
  try {
    const found = await stat(path);
    if (!found.isFile()) throw unreadable(path, 'it is no regular file');
    return { body: readFile(path), totalBytes: found.size };
  } catch (error) {
    if (isColdpatchError(error)) throw error;
    if (hasErrorCode(error, 'ENOENT', 'ENOTDIR')) {
      throw new ColdpatchError('file_not_found', `Expected a file of advisories at ${path}, found none.`);
    }
    throw unreadable(path, error instanceof Error ? error.message : String(error), error);
  }
}

async function* readFile(path: string): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(path, { highWaterMark: 256 * 1024 }) as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw unreadable(path, error instanceof Error ? error.message : String(error), error);
  }
}

function unreadable(path: string, why: string, cause?: unknown): ColdpatchError {
  return new ColdpatchError('file_unreadable', `Expected to read ${path}, but ${why}.`, { cause });
}

function unreachable(url: string, why: string): ColdpatchError {
  return new ColdpatchError(
    'repository_unreachable',
    `Expected to read ${url}, but ${why}. Check the address.`,
  );
}
