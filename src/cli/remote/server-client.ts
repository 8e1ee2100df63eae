import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { ColdpatchError, isErrorCode } from '../../lib/errors.ts';
import { pause } from './pause.ts';

/** A server of coldpatch, asked over its REST interface. */
export interface ServerClient {
  /** @throws ColdpatchError with the code that the server gives, `server_unreachable` */
  get<Answer>(path: string, schema: z.ZodType<Answer>): Promise<Answer>;
  /** The text of an answer. */
  text(path: string): Promise<string>;
  /** All items of a list, page after page. */
  list<Item>(path: string, item: z.ZodType<Item>): Promise<readonly Item[]>;
  /** Carried out once, also when the connection breaks and it is sent again. */
  post<Answer>(path: string, body: unknown, schema: z.ZodType<Answer>): Promise<Answer>;
  /** The events of a stream; whoever calls it again says which one it has seen last. */
  events(path: string, after: number): AsyncGenerator<ServerEvent, undefined>;
}

export interface ServerEvent {
  readonly id: number;
  readonly kind: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface ClientOptions {
  readonly url: string;
  readonly token: string;
  readonly signal: AbortSignal;
}

interface Sending {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

const requestSeconds = 60;
/** The server says something every 5 seconds. */
const silentSeconds = 60;
const mostAnswerBytes = 128 * 1024 * 1024;
const mostLineCharacters = 1024 * 1024;
const mostItems = 200_000;
const attempts = 3;

const problemSchema = z.object({ code: z.string(), detail: z.string() });
const eventSchema = z.record(z.string(), z.unknown());

/** @throws ColdpatchError `usage` for an address at which others could read the token. */
export function createServerClient({ url, token, signal }: ClientOptions): ServerClient {
  const base = baseOf(url);

  async function send(path: string, init: Sending, seconds: number): Promise<Response> {
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(), seconds * 1000);
    try {
      return await fetch(new URL(path, base), {
        ...init,
        redirect: 'error',
        signal: AbortSignal.any([signal, deadline.signal]),
        headers: { ...init.headers, authorization: `Bearer ${token}` },
      });
    } catch (cause) {
      throw unreachable(cause);
    } finally {
      clearTimeout(timer);
    }
  }

  async function ask(path: string, init: Sending = {}): Promise<string> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const response = await send(path, init, requestSeconds);
        const text = await readAll(response);
        if (response.ok) return text;
        throw errorOf(response.status, text);
      } catch (error) {
        if (!(error instanceof ColdpatchError) || !error.entry.retry || attempt === attempts) throw error;
        await pause(500 * attempt, signal);
      }
    }
  }

  function unreachable(cause: unknown): unknown {
    if (signal.aborted) return signal.reason;
    const inner =
      cause instanceof Error && cause.cause instanceof Error ? cause.cause.message : String(cause);
    return new ColdpatchError(
      'server_unreachable',
      `Expected the server at ${base.origin} to answer, but: ${inner}. Check the address, and that it runs.`,
      { cause },
    );
  }

  async function readAll(response: Response): Promise<string> {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    try {
      const body: AsyncIterable<Uint8Array> | undefined = response.body ?? undefined;
      for await (const chunk of body ?? []) {
        chunks.push(chunk);
        bytes += chunk.length;
        if (bytes > mostAnswerBytes) break;
      }
    } catch (cause) {
      throw unreachable(cause);
    }
    if (bytes > mostAnswerBytes) throw strange(`an answer of more than ${mostAnswerBytes} bytes`);
    return Buffer.concat(chunks).toString('utf8');
  }

  return {
    get: async (path, schema) => parse(await ask(path), schema),
    text: (path) => ask(path),
    async list<Item>(path: string, item: z.ZodType<Item>) {
      const page = z.object({ items: z.array(item), next: z.string().nullish() });
      const items: Item[] = [];
      for (let cursor: string | null | undefined = ''; typeof cursor === 'string'; ) {
        const separator = path.includes('?') ? '&' : '?';
        const more = cursor === '' ? '' : `${separator}cursor=${encodeURIComponent(cursor)}`;
        const found: z.infer<typeof page> = parse(await ask(path + more), page);
        items.push(...found.items);
        cursor = found.next;
        if (items.length > mostItems) throw strange(`a list of more than ${mostItems} items`);
      }
      return items;
    },
    async post(path, body, schema) {
      const headers = { 'idempotency-key': randomUUID(), 'content-type': 'application/json' };
      const sent =
        body === undefined
          ? { method: 'POST', headers: { 'idempotency-key': headers['idempotency-key'] } }
          : { method: 'POST', headers, body: JSON.stringify(body) };
      return parse(await ask(path, sent), schema);
    },
    async *events(path, after) {
      const response = await send(path, { headers: { 'last-event-id': String(after) } }, requestSeconds);
      if (!response.ok) throw errorOf(response.status, await readAll(response));
      if (response.body) yield* readEvents(response.body, unreachable);
      return undefined;
    },
  };
}

/** Server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html */
async function* readEvents(
  body: ReadableStream<Uint8Array>,
  unreachable: (cause: unknown) => unknown,
): AsyncGenerator<ServerEvent, undefined> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let text = '';
  try {
    for (;;) {
      const { value, done } = await withinSeconds(reader.read()).catch((cause: unknown) => {
        throw unreachable(cause);
      });
      if (done) return undefined;
      text += decoder.decode(value, { stream: true });
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      if (text.length > mostLineCharacters) throw strange('an event without an end');
      for (const block of blocks) {
        const event = eventOf(block);
        if (event) yield event;
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

async function withinSeconds<Value>(promise: Promise<Value>): Promise<Value> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error(`silent for ${silentSeconds} s`)),
    silentSeconds * 1000,
  );
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Undefined for a comment. */
function eventOf(block: string): ServerEvent | undefined {
  const fields = new Map(
    block.split('\n').map((line): [string, string] => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).trimStart()];
    }),
  );
  const data = fields.get('data');
  if (data === undefined) return undefined;
  return {
    id: Number(fields.get('id') ?? 0),
    kind: fields.get('event') ?? 'message',
    data: parse(data, eventSchema),
  };
}

function baseOf(url: string): URL {
  const base = URL.parse(url);
  const isOwnHost =
    ['localhost', '[::1]'].includes(base?.hostname ?? '') ||
    /^127\.\d+\.\d+\.\d+$/.test(base?.hostname ?? '');
  if (base?.protocol === 'https:' || (base?.protocol === 'http:' && isOwnHost)) return base;
  throw new ColdpatchError(
    'usage',
    `Expected --server https://HOST[:PORT], or http:// for this host alone, but found ${JSON.stringify(url)}: the token would cross the network in the clear.`,
  );
}

function errorOf(status: number, text: string): ColdpatchError {
  const problem = problemSchema.safeParse(parseJson(text)).data;
  if (!problem) return strange(`status ${status} without a problem document`);
  return new ColdpatchError(isErrorCode(problem.code) ? problem.code : 'internal', problem.detail);
}

function parse<Answer>(text: string, schema: z.ZodType<Answer>): Answer {
  const found = schema.safeParse(parseJson(text));
  if (found.success) return found.data;
  throw strange(`an answer of another form: ${z.prettifyError(found.error).slice(0, 500)}`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function strange(found: string): ColdpatchError {
  return new ColdpatchError(
    'server_unreachable',
    `Expected a coldpatch server of this version at the address, but found ${found}.`,
  );
}
