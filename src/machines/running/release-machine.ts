import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { ColdpatchError, isColdpatchError } from '../../lib/errors.ts';
import { connectQmp, nothing, type Qmp } from '../hypervisors/qemu/qmp.ts';
import { thawGuest } from '../hypervisors/qemu/quiesce-guest.ts';
import { type Intervention, ownPrefix } from './intervention.ts';
import { removeSocketDirectory } from './memory-socket.ts';

const pollMilliseconds = 50;
const endSeconds = 120;

/** In which a guest stands still because of us: QEMU's RunState. */
const pausedStates = ['paused', 'postmigrate', 'finish-migrate'];
const migrating = ['setup', 'active', 'pre-switchover', 'device', 'cancelling', 'wait-unplug'];

const jobsSchema = z.array(z.object({ id: z.string(), status: z.string() }));

/**
 * Takes everything back that was done to a machine that runs: its guest runs and is thawed, and no job or block node of
 * ours is left. May be repeated. A machine that is off by now has nothing of us.
 *
 * @throws ColdpatchError `machine_unreachable`, `hypervisor_failed` when the guest may still be frozen.
 */
export async function releaseMachine(intervention: Intervention): Promise<void> {
  using qmp = await connectQmp(intervention.qmp);
  if (qmp) await releaseThrough(qmp, intervention);
  await removeSocket(intervention);
}

async function releaseThrough(qmp: Qmp, intervention: Intervention): Promise<void> {
  await cancelMigration(qmp);
  if (intervention.resume) await resumeGuest(qmp);
  // The agent answers only in a guest that runs.
  const thawed = intervention.agent === null || (await thawGuest(intervention.agent));
  if (intervention.bandwidth !== null) await limitMigration(qmp, intervention.bandwidth);
  await endJobs(qmp);
  await removeNodes(qmp);
  if (thawed) return;
  throw new ColdpatchError(
    'hypervisor_failed',
    `Expected the agent in the guest at ${intervention.agent} to thaw its filesystems, but it does not answer. ` +
      'Thaw them in the guest (fsfreeze --unfreeze), or switch the machine off; then run the command again.',
  );
}

/** Lets a guest run that was stopped, also one whose state was written to a stream. */
export async function resumeGuest(qmp: Qmp): Promise<void> {
  const { status } = await qmp.execute('query-status', z.object({ status: z.string() }));
  if (pausedStates.includes(status)) await qmp.execute('cont', nothing);
}

export async function limitMigration(qmp: Qmp, bytesPerSecond: number): Promise<void> {
  await qmp.execute('migrate-set-parameters', nothing, { arguments: { 'max-bandwidth': bytesPerSecond } });
}

export async function removeSocket({ socketDirectory }: Intervention): Promise<void> {
  if (socketDirectory !== null) await removeSocketDirectory(socketDirectory);
}

/** Ends our block jobs, whatever they have done. */
export async function endJobs(qmp: Qmp): Promise<void> {
  await untilNone('its block jobs to end', async () => {
    const own = (await qmp.execute('query-jobs', jobsSchema)).filter(({ id }) => id.startsWith(ownPrefix));
    for (const { id, status } of own) {
      await unlessGone(
        qmp.execute(status === 'concluded' ? 'job-dismiss' : 'job-cancel', nothing, { arguments: { id } }),
      );
    }
    return own.length;
  });
}

export async function removeNodes(qmp: Qmp): Promise<void> {
  await untilNone('its block nodes to be free', async () => {
    const nodes = await qmp.execute(
      'query-named-block-nodes',
      z.array(z.object({ 'node-name': z.string() })),
      {
        arguments: { flat: true },
      },
    );
    const own = nodes.filter((node) => node['node-name'].startsWith(ownPrefix));
    for (const node of own) await unlessGone(qmp.execute('blockdev-del', nothing, { arguments: node }));
    return own.length;
  });
}

async function cancelMigration(qmp: Qmp): Promise<void> {
  await untilNone('the writing of its memory to end', async () => {
    const { status = 'none' } = await qmp.execute(
      'query-migrate',
      z.object({ status: z.string().optional() }),
    );
    if (!migrating.includes(status)) return 0;
    await qmp.execute('migrate_cancel', nothing);
    return 1;
  });
}

async function untilNone(what: string, left: () => Promise<number>): Promise<void> {
  const deadline = performance.now() + endSeconds * 1000;
  while ((await left()) > 0) {
    if (performance.now() > deadline) {
      throw new ColdpatchError(
        'hypervisor_failed',
        `Expected the running machine to be left as it was, and ${what} within ${endSeconds} s, but they did not. Run the command again.`,
      );
    }
    await delay(pollMilliseconds);
  }
}

/** A job may end, and a node may be in use for a moment, between the question and the command. */
async function unlessGone(command: Promise<unknown>): Promise<void> {
  try {
    await command;
  } catch (error) {
    if (!isColdpatchError(error, 'hypervisor_failed')) throw error;
  }
}
