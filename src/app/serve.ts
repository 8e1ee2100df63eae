import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config/schema.ts';
import type { ServerConfig } from '../config/server-schema.ts';
import { stepsOfKind } from '../jobs/types.ts';
import { ColdpatchError } from '../lib/errors.ts';
import type { Tracing } from '../lib/tracing/types.ts';
import { acquireFileLock, type FileLock } from '../lib/file-lock.ts';
import { addAudit } from '../store/audit.ts';
import type { Store } from '../store/open-store.ts';
import { addRun, wakeWaitingRuns } from '../store/runs.ts';
import { addSource, wasTriedSince } from '../store/sources.ts';
import { createToken, hasAdmin } from '../store/tokens.ts';
import { outdatedSignal } from './outdated-signal.ts';
import { openServerStore } from './open-server-store.ts';
import { type Application, createApplication } from './server/application.ts';
import type { ServerContext } from './server/server-context.ts';
import { startRuns } from './server/start-runs.ts';
import { startTracing } from './server/start-tracing.ts';

export interface ServeOptions {
  /** URL of a PostgreSQL database, for a server whose workers are elsewhere. Without it: SQLite, in the state directory. */
  readonly database?: string | undefined;
  readonly onFault: (error: unknown) => void;
  /** Where OpenTelemetry has its variables. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/** A server that works, and has no door yet: the API is one. */
export interface RunningServer {
  readonly application: Application;
  readonly tracing: Tracing;
  /** Makes a token of an admin when nobody has a valid one; asked when it can be shown, and used. */
  makeFirstToken(): Promise<string | undefined>;
  /** Aborted with `store_newer` when a newer coldpatch changed the tables: it does nothing more, and has to be stopped. */
  readonly outdated: AbortSignal;
  stop(): Promise<void>;
}

/** The right to be the only one that works with the database of this host. @throws ColdpatchError `server_running` */
export function lockServer({ stateDirectory }: Config, waitSeconds: number): Promise<FileLock> {
  mkdirSync(stateDirectory, { recursive: true, mode: 0o700 });
  return acquireFileLock({
    path: join(stateDirectory, 'server.lock'),
    waitSeconds,
    busy: (cause) =>
      new ColdpatchError(
        'server_running',
        `Expected to be the only server on ${stateDirectory}, but another one holds it.`,
        { cause },
      ),
  });
}

/**
 * `coldpatch serve` without its HTTP: takes the database, takes up what a killed server was at, and works.
 * @throws ColdpatchError `server_running`, `store_newer`, `store_unreachable`, `configuration_invalid` for hosts without a
 * PostgreSQL: this one would do what is kept for others.
 */
export async function startServer(
  config: Config,
  settings: ServerConfig,
  { database, onFault: report, environment = {} }: ServeOptions,
): Promise<RunningServer> {
  if (database === undefined) assertNoHosts(settings);
  const { outdated, onFault } = outdatedSignal(report);
  await using opening = new AsyncDisposableStack();
  // On PostgreSQL there may be several: what must not be done twice is guarded by the tables.
  if (database === undefined) opening.use(await lockServer(config, 10));
  const { store, postgres } = await openServerStore(config, database);
  opening.defer(() => store.close());
  const tracing = await startTracing(config, { service: 'coldpatch-server', environment, onFault });
  opening.defer(() => tracing.stop());
  const server: ServerContext = { config, settings, store };
  for (const source of settings.sources) await addSource(store, source);
  // The windows of the file may be others than before.
  await wakeWaitingRuns(store);
  const dispatcher = await startRuns(server, postgres, { tracing, onFault });
  opening.defer(() => dispatcher.stop());
  opening.defer(startSchedule(server, () => dispatcher.wake(), onFault));
  const opened = opening.move();
  return {
    application: createApplication(server, dispatcher),
    tracing,
    makeFirstToken: () => makeFirstToken(store),
    outdated,
    stop: () => opened.disposeAsync(),
  };
}

function assertNoHosts({ sources, limits }: ServerConfig): void {
  const named = [
    ...sources.filter(({ hosts }) => hosts !== undefined).map(({ id }) => `hosts of source ${id}`),
    ...Object.keys(limits.hosts).map((host) => `limits.hosts.${host}`),
  ];
  if (named.length === 0) return;
  throw new ColdpatchError(
    'configuration_invalid',
    `Expected --database with a PostgreSQL, because only its workers have names, but found ${named.join(', ')} without one. ` +
      'Name the database, or leave the hosts out.',
  );
}

async function makeFirstToken(store: Store): Promise<string | undefined> {
  if (await hasAdmin(store)) return undefined;
  const { id, token } = await createToken(store, { name: 'first admin', role: 'admin' });
  await addAudit(store, {
    actor: 'server',
    action: 'token.create',
    object: `token ${id}`,
    detail: 'first admin',
  });
  return token;
}

const secondsBetweenLooks = 10;

/** Queues a pass over each source that is due. A pass that is still under way is left alone. */
function startSchedule(
  { settings, store }: ServerContext,
  wake: () => void,
  onFault: (error: unknown) => void,
): () => Promise<void> {
  const look = async (): Promise<void> => {
    for (const { id, collectMinutes } of settings.sources) {
      const due = new Date(store.now().getTime() - collectMinutes * 60_000).toISOString();
      if (await wasTriedSince(store, id, due)) continue;
      const steps = stepsOfKind.collect;
      await addRun(store, { kind: 'collect', sourceId: id, imageId: null, steps, requestedBy: 'schedule' });
    }
    wake();
  };
  let looking = look().catch(onFault);
  const timer = setInterval(() => {
    looking = looking.then(look).catch(onFault);
  }, secondsBetweenLooks * 1000);
  return async () => {
    clearInterval(timer);
    await looking;
  };
}
