import { parseServerConfig } from '../config/load-server-config.ts';
import type { Config } from '../config/schema.ts';
import type { ServerConfig } from '../config/server-schema.ts';
import { createHostRoom } from '../jobs/host-room.ts';
import { openQueue } from '../jobs/postgres/open-queue.ts';
import { startWorker } from '../jobs/postgres/start-worker.ts';
import { ColdpatchError } from '../lib/errors.ts';
import { openPostgresStore } from '../store/open-postgres-store.ts';
import type { Store } from '../store/open-store.ts';
import { findSettings } from '../store/settings.ts';
import { outdatedSignal } from './outdated-signal.ts';
import { hostLimits } from './server/host-limits.ts';
import { startTracing } from './server/start-tracing.ts';
import { stepHandlers } from './server/step-handlers.ts';

export interface WorkerRequest {
  /** URL of the PostgreSQL database of the server. */
  readonly database: string;
  /** By which sources name this host. */
  readonly host: string;
  readonly onFault: (error: unknown) => void;
  /** Where OpenTelemetry has its variables. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** A worker that works. */
export interface RunningWorker {
  /** Aborted with `store_newer` when a newer coldpatch changed the tables: it does nothing more, and has to be stopped. */
  readonly outdated: AbortSignal;
  stop(): Promise<void>;
}

/**
 * `coldpatch worker`: carries out steps for a server that has its database on PostgreSQL.
 * @throws ColdpatchError `store_unreachable`, `store_newer`, `state_conflict` while no server was there.
 */
export async function startWorkerHost(
  config: Config,
  { database, host, onFault: report, environment }: WorkerRequest,
): Promise<RunningWorker> {
  const { outdated, onFault } = outdatedSignal(report);
  await using opening = new AsyncDisposableStack();
  const store = await openPostgresStore(database, () => new Date());
  opening.defer(() => store.close());
  const read = settingsReader(store);
  const { heartbeatSeconds } = (await read()).workers;
  const service = 'coldpatch-worker';
  const tracing = await startTracing(config, { service, host, environment, onFault });
  opening.defer(() => tracing.stop());
  const queue = await openQueue({ pool: store.pool, heartbeatSeconds, onFault });
  opening.defer(() => queue.stop());
  const room = createHostRoom();
  const worker = startWorker({
    store,
    queue,
    host,
    room,
    touchMilliseconds: heartbeatSeconds * 250,
    async settings() {
      const settings = await read();
      return {
        sources: settings.sources,
        limits: hostLimits(settings, host).runs,
        handlers: stepHandlers({ config, settings, store }, { name: host, room }),
      };
    },
    onFault,
    tracing,
  });
  opening.defer(() => worker.stop());
  const opened = opening.move();
  return { outdated, stop: () => opened.disposeAsync() };
}

/** Understands what the server published again only when it is other than before. */
function settingsReader(store: Store): () => Promise<ServerConfig> {
  let document: string | undefined;
  let settings: ServerConfig | undefined;
  return async () => {
    const found = await findSettings(store);
    if (found === undefined)
      throw new ColdpatchError(
        'state_conflict',
        'Expected the settings of a server in the database, but no server was there yet. Start "coldpatch serve" on it first.',
      );
    if (settings === undefined || found !== document)
      settings = parseServerConfig(JSON.parse(found), 'the database');
    document = found;
    return settings;
  };
}
