import type { StepHandlers } from '../../jobs/types.ts';
import type { StoredRun } from '../../store/runs.ts';
import { planImage } from '../plan.ts';
import { collectSource } from './collect-source.ts';
import { hostLimits } from './host-limits.ts';
import { inspectStoredImage } from './inspect-stored-image.ts';
import { matchStoredImage } from './match-stored-image.ts';
import { nextOpening } from './next-opening.ts';
import { configuredSource, imageOf, type ServerContext } from './server-context.ts';
import { rollBackStoredImage } from './roll-back-stored-image.ts';
import { noDisplay, upgradeRequest } from './upgrade-request.ts';
import { upgradeStoredImage } from './upgrade-stored-image.ts';
import { type ThisHost, withHostRoom } from './with-host-room.ts';

/** What each step of a run does on a host: the functions of the commands, for an image of the inventory. */
export function stepHandlers(server: ServerContext, host: ThisHost): StepHandlers {
  const { config, settings, store } = server;
  return withHostRoom(
    server,
    {
      async collect({ run }) {
        const source = await configuredSource(server, run.source_id);
        return { next: 'continue', result: await collectSource(server, source) };
      },

      async inspect({ run, signal }) {
        const image = await imageOf(server, run.image_id);
        const result = await inspectStoredImage(server, image, signal);
        return { next: image.role === 'base' ? 'end' : 'continue', result };
      },

      async match({ run, signal }) {
        const image = await imageOf(server, run.image_id);
        const source = await configuredSource(server, run.source_id);
        const { isUrgentEnough, ...result } = await matchStoredImage(server, image, { source, signal });
        if (result.outcome === 'system_unknown') return { next: 'end', result };
        if (run.kind !== 'upgrade' || !isOfSchedule(run)) return { next: 'continue', result };
        if (image.held !== null) return { next: 'end', result: { ...result, outcome: image.held } };
        if (!isUrgentEnough) return { next: 'end', result: { ...result, outcome: 'not_urgent' } };
        return { next: 'continue', result };
      },

      async plan({ run, signal }) {
        const image = await imageOf(server, run.image_id);
        const source = await configuredSource(server, run.source_id);
        const request = upgradeRequest(image, source);
        const plan = await planImage(config, { ...request, snapshot: undefined, display: noDisplay, signal });
        const changes = plan.changes.map(({ name, from, to }) => ({ name, from, to }));
        if (changes.length === 0) return { next: 'end', result: { outcome: 'nothing_to_do' } };
        const next = source.policy.upgrade === 'after_approval' ? 'wait' : 'continue';
        return { next, result: { outcome: 'planned', changes, needed: plan.disk.needed } };
      },

      async upgrade(step) {
        const image = await imageOf(server, step.run.image_id);
        const source = await configuredSource(server, step.run.source_id);
        const now = store.now();
        const opening = nextOpening(source.policy.windows ?? settings.windows, now);
        if (opening > now) {
          const until = opening.toISOString();
          return { next: 'later', until, result: { outcome: 'waits_for_window', until } };
        }
        const { ioBytesPerUpgrade: ioBytesPerSecond } = hostLimits(settings, host.name);
        const result = await upgradeStoredImage(server, step, { image, source, ioBytesPerSecond });
        return { next: 'continue', result };
      },

      async rollback(step) {
        const image = await imageOf(server, step.run.image_id);
        const source = await configuredSource(server, step.run.source_id);
        await rollBackStoredImage(server, step, { image, source });
        return { next: 'continue', result: { outcome: 'rolled_back' } };
      },
    },
    host,
  );
}

function isOfSchedule({ requested_by }: StoredRun): boolean {
  return requested_by === 'schedule';
}
