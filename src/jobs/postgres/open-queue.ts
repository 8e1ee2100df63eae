import { fromKysely, PgBoss } from 'pg-boss';
import type { Transaction } from 'kysely';
import type { Pool } from 'pg';
import { postgresError } from '../../store/postgres-error.ts';
import type { Tables } from '../../store/tables.ts';

/** A step of a run, delivered. */
export interface Job {
  readonly id: string;
  readonly queue: string;
  readonly runId: string;
}

/** Delivers jobs to whoever asks first, and again when that one falls silent. It knows nothing of runs. */
export interface Queue {
  /** In the transaction of the caller: the job is there when what it stands for is. */
  send(transaction: Transaction<Tables>, job: Job): Promise<void>;
  /** Takes up to `most` jobs. Each is another's when it was not touched for the heartbeat's length. */
  take(queue: string, most: number): Promise<readonly Job[]>;
  touch(job: Job): Promise<void>;
  /** True for a job that somebody has, or will get. */
  isAlive(job: Job): Promise<boolean>;
  /** The job is over, whatever became of its run. */
  end(job: Job): Promise<void>;
  stop(): Promise<void>;
}

export interface QueueOptions {
  readonly pool: Pool;
  /** After so long without a sign of life a job is delivered again; 10 at least. */
  readonly heartbeatSeconds: number;
  readonly onFault: (error: unknown) => void;
}

const schema = 'coldpatch_queue';
const secondsBetweenLooks = 5;
/** The most that pg-boss allows. A step that takes longer loses its run. */
const longestStepSeconds = 24 * 3600;

/**
 * pg-boss on the pool of the store. It is asked for jobs and told of their end; what is tried again, and when, is
 * decided by whoever asks: pg-boss itself only delivers again what a silent worker had.
 */
export async function openQueue({ pool, heartbeatSeconds, onFault }: QueueOptions): Promise<Queue> {
  const boss = new PgBoss({
    schema,
    schedule: false,
    superviseIntervalSeconds: secondsBetweenLooks,
    monitorIntervalSeconds: secondsBetweenLooks,
    db: {
      executeSql: (text, values) =>
        pool.query(text, values).catch((error: unknown) => {
          throw postgresError(error);
        }),
    },
  });
  boss.on('error', onFault);
  await boss.start();
  const made = new Set<string>();

  const make = async (queue: string): Promise<void> => {
    if (made.has(queue)) return;
    await boss.createQueue(queue);
    made.add(queue);
  };

  return {
    async send(transaction, { id, queue, runId }) {
      await make(queue);
      await boss.send(
        queue,
        { runId },
        {
          id,
          db: fromKysely(transaction),
          heartbeatSeconds,
          expireInSeconds: longestStepSeconds,
          retryLimit: 1_000_000,
          retryDelay: 0,
          retentionSeconds: 10 * 365 * 86_400,
          deleteAfterSeconds: 3600,
        },
      );
    },
    async take(queue, most) {
      await make(queue);
      const jobs = await boss.fetch<{ readonly runId: string }>(queue, { batchSize: most });
      return jobs.map(({ id, data: { runId } }) => ({ id, queue, runId }));
    },
    async touch({ queue, id }) {
      await boss.touch(queue, id);
    },
    async isAlive({ queue, id }) {
      await make(queue);
      const [job] = await boss.findJobs(queue, { id });
      return (
        job !== undefined && (job.state === 'created' || job.state === 'retry' || job.state === 'active')
      );
    },
    async end({ queue, id }) {
      await boss.complete(queue, id);
    },
    stop: () => boss.stop({ graceful: false }),
  };
}
