import { createHostRoom } from '../../jobs/host-room.ts';
import { openQueue } from '../../jobs/postgres/open-queue.ts';
import { startRemoteDispatcher } from '../../jobs/postgres/start-remote-dispatcher.ts';
import type { Tracing } from '../../lib/tracing/types.ts';
import { startDispatcher } from '../../jobs/start-dispatcher.ts';
import type { Dispatcher } from '../../jobs/types.ts';
import type { PostgresStore } from '../../store/open-postgres-store.ts';
import { publishSettings } from '../../store/settings.ts';
import { hostLimits } from './host-limits.ts';
import type { ServerContext } from './server-context.ts';
import { stepHandlers } from './step-handlers.ts';

/** On SQLite this process carries out the runs; on PostgreSQL it sees to it that workers do. */
export async function startRuns(
  server: ServerContext,
  postgres: PostgresStore | undefined,
  { tracing, onFault }: { readonly tracing: Tracing; readonly onFault: (error: unknown) => void },
): Promise<Dispatcher> {
  const { settings, store } = server;
  if (postgres === undefined) {
    const room = createHostRoom();
    return startDispatcher({
      store,
      handlers: stepHandlers(server, { room }),
      limits: hostLimits(settings).runs,
      room,
      onFault,
      tracing,
    });
  }
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
