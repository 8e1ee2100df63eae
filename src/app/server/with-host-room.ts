import type { ServerConfig } from '../../config/server-schema.ts';
import { type HostRoom, lacking, type Room, type RoomLimits } from '../../jobs/host-room.ts';
import type { HandledStep, StepContext, StepHandlers, StepResult } from '../../jobs/types.ts';
import { ColdpatchError } from '../../lib/errors.ts';
import { changeRun } from '../../store/runs.ts';
import { hostLimits } from './host-limits.ts';
import { needsOfStep } from './needs-of-step.ts';
import type { ServerContext } from './server-context.ts';

/** The host that carries out steps; without a name it is the only one. */
export interface ThisHost {
  readonly name?: string;
  readonly room: HostRoom;
}

const secondsForAnother = 30;

/**
 * Lets a step begin only when there is room on the host for what it needs, and keeps that for as long as it works.
 * One that is too large for the host goes back into the queue if there is a larger host for it.
 */
export function withHostRoom(server: ServerContext, handlers: StepHandlers, host: ThisHost): StepHandlers {
  const wrap = (step: HandledStep) => async (context: StepContext) => {
    const limits = hostLimits(server.settings, host.name).room;
    const needs = await needsOfStep(server, step, context.run);
    const never = lacking(needs, limits);
    if (never.length > 0) return refuse(server, context, { host, needs, limits, never });
    let told: Promise<void> | undefined;
    using _reserved = await host.room.reserve({
      kind: step === 'upgrade' ? 'upgrade' : 'inspect',
      needs,
      limits,
      signal: context.signal,
      onWait: (resources) => {
        told = tellOfWait(server, context, resources, needs);
        told.catch(() => undefined);
      },
    });
    await told;
    return await handlers[step](context);
  };
  return {
    collect: handlers.collect,
    inspect: wrap('inspect'),
    match: wrap('match'),
    plan: wrap('plan'),
    upgrade: wrap('upgrade'),
    rollback: handlers.rollback,
  };
}

/** Whoever looks at the run, or follows it, sees why it does not go on. */
async function tellOfWait(
  { store }: ServerContext,
  { run, report }: StepContext,
  resources: readonly (keyof Room)[],
  needs: Room,
): Promise<void> {
  const outcome = { outcome: 'waits_for_host', resources, needs };
  await changeRun(store, run, { outcome: JSON.stringify(outcome) });
  await report('waits', outcome);
}

interface Refusal {
  readonly host: ThisHost;
  readonly needs: Room;
  readonly limits: RoomLimits;
  readonly never: readonly (keyof Room)[];
}

function refuse(
  { settings, store }: ServerContext,
  { run }: StepContext,
  { host, needs, limits, never }: Refusal,
): StepResult {
  if (otherHosts(settings, run.source_id, host.name).some((other) => lacking(needs, other).length === 0)) {
    const until = new Date(store.now().getTime() + secondsForAnother * 1000).toISOString();
    return { next: 'later', until, result: { outcome: 'waits_for_larger_host', needs } };
  }
  const words = never.map(
    (what) =>
      `${mebibytes(needs[what])} MiB of ${what}, of which it may have ${mebibytes(limits[what] ?? 0)} MiB`,
  );
  throw new ColdpatchError(
    'host_too_small',
    `Expected a step that fits on ${host.name ?? 'this host'}, but it needs ${words.join(', and ')}. ` +
      'Raise the limits in the file of sources and policies, or give its source a larger host.',
  );
}

/** What the other workers may take that see the source: those that are named somewhere, and any that is not. */
function otherHosts(
  settings: ServerConfig,
  sourceId: string,
  own: string | undefined,
): readonly RoomLimits[] {
  // Without a name there is no other.
  if (own === undefined) return [];
  const { hosts } = settings.sources.find(({ id }) => id === sourceId) ?? {};
  const names = hosts ?? [...Object.keys(settings.limits.hosts), undefined];
  return names.filter((name) => name !== own).map((name) => hostLimits(settings, name).room);
}

function mebibytes(bytes: number): number {
  return Math.ceil(bytes / 1024 ** 2);
}
