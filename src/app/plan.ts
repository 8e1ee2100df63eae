import type { Config } from '../config/schema.ts';
import { chooseEngine } from '../patch/choose-engine.ts';
import { examineImage, type ImageRequest } from '../patch/examine-image.ts';
import { completePlan } from '../patch/complete-plan.ts';
import { createPhases, type PhaseDisplay } from '../patch/phases.ts';
import type { Plan } from '../patch/plan.ts';
import { planUpgrade } from '../patch/plan-upgrade.ts';
import { withWorkDirectory } from '../upgrades/with-work-directory.ts';
import { type SourceOptions, sourcesOf } from './sources.ts';

export interface PlanRequest extends SourceOptions {
  readonly image: ImageRequest;
  readonly engine: string;
  readonly display: PhaseDisplay;
  readonly signal: AbortSignal;
}

/** `coldpatch plan`: reads the image and its repositories, and changes nothing. */
export async function planImage(config: Config, request: PlanRequest): Promise<Plan> {
  const choice = await chooseEngine(request.engine);
  const phases = createPhases({ display: request.display, now: () => performance.now() });
  const image = await phases.run('inspect', () => examineImage(request.image));
  try {
    const sources = sourcesOf(config, request);
    return await phases.run('plan', async () => {
      const planned = await withWorkDirectory(config.cacheDirectory, (workDirectory) =>
        planUpgrade(image, {
          ...choice,
          sources,
          workDirectory,
          clock: () => new Date(),
          onProgress: (progress) => {
            if (progress.step === 'repositories')
              phases.progress(progress.done / progress.total, progress.detail);
          },
          signal: request.signal,
        }),
      );
      return completePlan(image, planned, { sources, signal: request.signal });
    });
  } finally {
    image.close();
  }
}
