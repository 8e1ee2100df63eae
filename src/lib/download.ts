import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { ColdpatchError } from './errors.ts';
import { hasErrorCode } from './has-error-code.ts';

export interface DownloadRequest {
  /** `http:` or `https:`; `file:` and `copy:` only with `allowHostFiles`. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The operator, not an image, named this address, so that files of this host may be read. Default false. */
  readonly allowHostFiles?: boolean;
  /** Leave out so many bytes at the start, when the server can. Default 0. */
  readonly from?: number;
  /** Longest silence: until the answer begins, and between two parts of it. Default 30. */
  readonly idleSeconds?: number;
  readonly signal?: AbortSignal;
}

export type DownloadAnswer =
  | {
      readonly answer: 'found';
      /** Must be read to its end, or left by `return()`. */
      readonly body: AsyncIterable<Uint8Array>;
      /** Where the body begins: `from`, or 0 when the server sends all. */
      readonly offset: number;
      readonly etag?: string;
      readonly lastModified?: string;
    }
  | { readonly answer: 'not-modified' }
  | { readonly answer: 'not-found' };

const maximumRedirects = 5;
const redirectStatus: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/**
 * Asks for one address and gives its bytes as they come, without any conversion of their encoding.
 *
 * @throws ColdpatchError `repository_unreachable`, here and while the body is read.
 */
export async function openDownload(request: DownloadRequest): Promise<DownloadAnswer> {
  const url = new URL(request.url);
  if (url.protocol === 'file:' || url.protocol === 'copy:') return openHostFile(url, request);
  return openHttp(url, request, maximumRedirects);
}

async function openHostFile(url: URL, request: DownloadRequest): Promise<DownloadAnswer> {
  if (request.allowHostFiles !== true) {
    throw unreachable(url, 'files of this host are read only when the operator names them');
  }
  try {
    const path = fileURLToPath(new URL(`file://${url.pathname}`));
    const found = await stat(path);
    if (!found.isFile()) return { answer: 'not-found' };
    const start = Math.min(request.from ?? 0, found.size);
    return {
      answer: 'found',
      offset: start,
      body: createReadStream(path, { start, highWaterMark: 1024 * 1024 }),
    };
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT', 'ENOTDIR')) return { answer: 'not-found' };
    throw unreachable(url, reasonOf(error), error);
  }
}

async function openHttp(url: URL, request: DownloadRequest, redirects: number): Promise<DownloadAnswer> {
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw unreachable(url, `its scheme ${url.protocol} is not http or https`);
  }
  const silence = watchSilence(request.idleSeconds ?? 30, request.signal);
  let response: Response;
  try {
    response = await fetch(url.href, {
      redirect: 'manual',
      headers: {
        'accept-encoding': 'identity',
        'user-agent': 'coldpatch',
        ...(request.from && { range: `bytes=${request.from}-` }),
        ...request.headers,
      },
      signal: silence.signal,
    });
  } catch (error) {
    silence.stop();
    request.signal?.throwIfAborted();
    throw unreachable(url, silence.reason() ?? reasonOf(error), error);
  }
  const offset = offsetOf(response, request.from ?? 0);
  if (offset !== undefined && response.body !== null) {
    const etag = response.headers.get('etag');
    const lastModified = response.headers.get('last-modified');
    return {
      answer: 'found',
      offset,
      body: watchedBody(url, response.body, silence, request.signal),
      ...(etag === null ? {} : { etag }),
      ...(lastModified === null ? {} : { lastModified }),
    };
  }
  silence.stop();
  await response.body?.cancel();
  // There is nothing after these bytes, so they are not the beginning of this file.
  if (response.status === 416 && request.from) return openHttp(url, { ...request, from: 0 }, redirects);
  if (response.status === 304) return { answer: 'not-modified' };
  if (response.status === 404 || response.status === 410) return { answer: 'not-found' };
  if (redirectStatus.has(response.status)) {
    return openHttp(redirectTarget(url, response, redirects), request, redirects - 1);
  }
  throw unreachable(url, `the server answered ${response.status} ${response.statusText}`.trimEnd());
}

/** Undefined for what is no answer with a body (RFC 9110, sections 14.4 and 15.3.7). */
function offsetOf(response: Response, from: number): number | undefined {
  if (response.status === 200) return 0;
  const start = /^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')?.[1];
  return response.status === 206 && from > 0 && Number(start) === from ? from : undefined;
}

function redirectTarget(url: URL, response: Response, redirects: number): URL {
  const location = response.headers.get('location');
  if (location === null || !URL.canParse(location, url.href)) {
    throw unreachable(url, `the server answered ${response.status} without saying where to go`);
  }
  if (redirects === 0) throw unreachable(url, `the server sent us on more than ${maximumRedirects} times`);
  const target = new URL(location, url);
  if (url.protocol === 'https:' && target.protocol === 'http:') {
    throw unreachable(url, 'the server sends us on from https to http');
  }
  return target;
}

async function* watchedBody(
  url: URL,
  body: ReadableStream<Uint8Array>,
  silence: Silence,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of body) {
      silence.heard();
      yield chunk;
    }
  } catch (error) {
    signal?.throwIfAborted();
    throw unreachable(url, silence.reason() ?? `the connection ended early (${reasonOf(error)})`, error);
  } finally {
    silence.stop();
  }
}

interface Silence {
  readonly signal: AbortSignal;
  heard(): void;
  stop(): void;
  /** Why the signal was raised, or undefined when it was not by silence. */
  reason(): string | undefined;
}

function watchSilence(seconds: number, outer: AbortSignal | undefined): Silence {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), seconds * 1000).unref();
  return {
    signal: outer === undefined ? controller.signal : AbortSignal.any([outer, controller.signal]),
    heard: () => void timer.refresh(),
    stop: () => clearTimeout(timer),
    reason: () => (controller.signal.aborted ? `nothing came for ${seconds} s` : undefined),
  };
}

/** fetch() hides what happened in the cause of its error, and that of several addresses in a list of causes. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  if (error.cause instanceof Error) return reasonOf(error.cause);
  return error.message;
}

function unreachable(url: URL, why: string, cause?: unknown): ColdpatchError {
  return new ColdpatchError(
    'repository_unreachable',
    `Expected to read ${url.href}, but ${why}. Check the address, and that this host can reach it.`,
    { cause },
  );
}
