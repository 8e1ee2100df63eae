import type { ServerConfig } from '../../config/server-schema.ts';
import { openQueue } from '../../jobs/postgres/open-queue.ts';
import { startRemoteDispatcher } from '../../jobs/postgres/start-remote-dispatcher.ts';
import type { Tracing } from '../../lib/tracing/types.ts';
import { startDispatcher } from '../../jobs/start-dispatcher.ts';
import type { Dispatcher } from '../../jobs/types.ts';
import type { PostgresStore } from '../../store/open-postgres-store.ts';
import { publishSettings } from '../../store/settings.ts';
import type { RunKind } from '../../store/tables.ts';
import type { ServerContext } from './server-context.ts';
import { stepHandlers } from './step-handlers.ts';

/** On SQLite this process carries out the runs; on PostgreSQL it sees to it that workers do. */
export async function startRuns(
  server: ServerContext,
  postgres: PostgresStore | undefined,
  { tracing, onFault }: { readonly tracing: Tracing; readonly onFault: (error: unknown) => void },
): Promise<Dispatcher> {
  const { settings, store } = server;
  if (postgres === undefined)
    return startDispatcher({
      store,
      handlers: stepHandlers(server),
      limits: limitsOf(settings),
      onFault,
      tracing,
    });
  await publishSettings(store, JSON.stringify(settings));
  const { heartbeatSeconds } = settings.workers;
  const queue = await openQueue({ pool: postgres.pool, heartbeatSeconds, onFault });
  const { sources } = settings;
  const dispatcher = startRemoteDispatcher({ store, queue, sources, onFault, tracing });
  return {
    ...dispatcher,
    async stop() {
      await dispatcher.stop();
      await queue.stop();
    },
  };
}

/** Runs of a kind at a time on a host. */
export function limitsOf({ limits }: ServerConfig, host?: string): Readonly<Record<RunKind, number>> {
  const own = host === undefined ? undefined : limits.hosts[host];
  return {
    collect: 1,
    inspect: own?.inspections ?? limits.inspections,
    upgrade: own?.upgrades ?? limits.upgrades,
    rollback: 1,
  };
}
