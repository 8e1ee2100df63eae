/** The REST interface over a real server on each of its databases, with a source of one image without a system. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { type RunningApi, startApi } from '../../src/api/start-api.ts';
import { openServerStore } from '../../src/app/open-server-store.ts';
import { startServer } from '../../src/app/serve.ts';
import type { Application, Role } from '../../src/app/server/application.ts';
import { startWorkerHost } from '../../src/app/worker.ts';
import { serverSchema } from '../../src/config/server-schema.ts';
import type { Store } from '../../src/store/open-store.ts';
import { startPostgres } from '../../tools/start-postgres.ts';

export const databases = ['SQLite', 'PostgreSQL'] as const;

export interface Asking {
  readonly role?: Role;
  /** In place of that of the role. */
  readonly token?: string | undefined;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

export interface ApiUnderTest {
  readonly api: RunningApi;
  readonly application: Application;
  /** Another connection to the database. */
  readonly store: Store;
  /** The only image of the source `lab`. */
  readonly image: string;
  readonly tokens: ReadonlyMap<Role, string>;
  /** All that was logged so far. */
  log(): string;
  ask(method: string, path: string, asking?: Asking): Promise<Answer>;
  /** The items of a list, for a viewer or as asked. */
  list<Item>(path: string, asking?: Asking): Promise<readonly Item[]>;
  /** Waits until no run is under way. */
  idle(): Promise<void>;
  /** True when some file of the database holds the text. */
  isKept(text: string): boolean;
  end(): Promise<void>;
}

/** For what is done by others: the machine may be busy. */
export const patience = { timeout: 120_000, interval: 50 };

export async function startApiUnderTest(kind: (typeof databases)[number]): Promise<ApiUnderTest> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'api-')));
  const state = join(folder, 'state');
  const image = join(folder, 'images/web.qcow2');
  mkdirSync(dirname(image));
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', image, '1M']);
  const faults: unknown[] = [];
  const onFault = (error: unknown): void => {
    faults.push(error);
  };
  const config = {
    cacheDirectory: join(folder, 'cache'),
    stateDirectory: state,
    imageDirectories: [],
    generations: { defaults: {}, machines: {} },
    upgradeSeconds: 60,
    kvmProbeSeconds: 1,
  };
  const settings = serverSchema.parse({
    sources: [{ id: 'lab', kind: 'folder', directory: dirname(image) }],
  });
  const postgres = kind === 'PostgreSQL' ? await startPostgres(folder) : undefined;
  const database = await postgres?.makeDatabase('coldpatch');
  const server = await startServer(config, settings, { database, onFault });
  const worker =
    database === undefined
      ? undefined
      : await startWorkerHost(config, { database, host: 'here', onFault, environment: {} });
  const { store } = await openServerStore(config, database);
  let log = '';
  const { application } = server;
  const write = (line: string): void => {
    log += line;
  };
  const address = { host: '127.0.0.1', port: 0, requestsPerSecond: 10_000 };
  const api = await startApi({ ...address, application, log: { write } });
  const tokens = new Map<Role, string>([['admin', (await server.makeFirstToken()) ?? '']]);

  const ask: ApiUnderTest['ask'] = async (method, path, { role, token, body, headers } = {}) => {
    const key = token ?? (role && tokens.get(role));
    const response = await fetch(`${api.url}${path}`, {
      method,
      headers: {
        ...(key !== undefined && { authorization: `Bearer ${key}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = text !== '' && /json/.test(response.headers.get('content-type') ?? '');
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
  };
  const list = async <Item>(path: string, asking: Asking = { role: 'viewer' }): Promise<readonly Item[]> => {
    const { status, body } = await ask('GET', path, asking);
    expect({ path, status }).toEqual({ path, status: 200 });
    return (body as { readonly items: readonly Item[] }).items;
  };

  for (const role of ['viewer', 'operator', 'approver'] as const) {
    const { body } = await ask('POST', '/api/v1/tokens', { role: 'admin', body: { name: role, role } });
    tokens.set(role, (body as { readonly token: string }).token);
  }
  return {
    api,
    application,
    store,
    image,
    tokens,
    log: () => log,
    ask,
    list,
    async idle() {
      const deadline = performance.now() + patience.timeout;
      for (;;) {
        const runs = await list<{ readonly state: string }>('/api/v1/runs?limit=500');
        if (runs.length > 0 && runs.every(({ state: now }) => !/queued|running/.test(now))) return;
        if (performance.now() > deadline) throw new Error('Expected the runs to end, but they go on.');
        await sleep(patience.interval);
      }
    },
    isKept: (text) =>
      filesBelow(postgres === undefined ? state : join(folder, 'postgres')).some((path) =>
        readFileSync(path).includes(text),
      ),
    async end() {
      await api.stop();
      await worker?.stop();
      await server.stop();
      await store.close();
      await postgres?.stop();
      rmSync(folder, { recursive: true, force: true });
      if (faults.length > 0) throw faults[0];
    },
  };
}

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
}
