import { lstatSync } from 'node:fs';
import { z } from 'zod';
import type { Room } from '../../jobs/host-room.ts';
import type { HandledStep } from '../../jobs/types.ts';
import { engineOf } from '../../patch/engines/registry.ts';
import { resolveImagePath } from '../../machines/image-path.ts';
import { type StoredRun, stepsOf } from '../../store/runs.ts';
import { configuredSource, imageOf, type ServerContext } from './server-context.ts';

/** A reader, or a solver with its lists: see "memory of inspect" in the README. */
const readerBytes = 256 * 1024 ** 2;
const planSchema = z.object({ needed: z.number().nonnegative() });

/** What a step will take of the host, as far as it can be told before it begins. */
export async function needsOfStep(server: ServerContext, step: HandledStep, run: StoredRun): Promise<Room> {
  if (step === 'collect' || step === 'rollback') return { memory: 0, scratch: 0 };
  if (step !== 'upgrade') return { memory: readerBytes, scratch: 0 };
  const { policy } = await configuredSource(server, run.source_id);
  const image = await imageOf(server, run.image_id);
  // What `auto` takes depends on the host: `appliance` is the larger one.
  const engine = engineOf(policy.engine === 'auto' ? 'appliance' : policy.engine);
  const steps = await stepsOf(server.store, run.id);
  const plan = steps.find(({ name }) => name === 'plan')?.result ?? null;
  const { data } = planSchema.safeParse(plan === null ? undefined : JSON.parse(plan));
  return {
    memory: readerBytes + engine.memoryBytes,
    // The copy, what is installed in it, and the packages that are brought to it.
    scratch: allocatedBytes(image.locator) + 2 * (data?.needed ?? 0),
  };
}

/** Holes are not copied. A file that is gone takes nothing: the step says so itself. */
function allocatedBytes(locator: string): number {
  const { path } = resolveImagePath(locator);
  return (lstatSync(path, { throwIfNoEntry: false })?.blocks ?? 0) * 512;
}
