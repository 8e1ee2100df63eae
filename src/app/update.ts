import { randomUUID } from 'node:crypto';
import type { Config } from '../config/schema.ts';
import { checkOutImage } from '../machines/check-out-image.ts';
import { resolveImagePath } from '../machines/image-path.ts';
import { chooseEngine } from '../patch/choose-engine.ts';
import { createPhases } from '../patch/phases.ts';
import type { Report } from '../patch/report.ts';
import { updateImage } from '../patch/update-image.ts';
import { crashTest } from './crash-test.ts';
import type { PlanRequest } from './plan.ts';
import { sourcesOf } from './sources.ts';

export interface UpdateRequest extends PlanRequest {
  /** The operator says that the image is trusted. */
  readonly trusted: boolean;
  readonly acceptUnclean: boolean;
}

/** `coldpatch update`: the whole way of one image. */
export async function updateOneImage(config: Config, request: UpdateRequest): Promise<Report> {
  const choice = chooseEngine(request.engine, {
    trusted: request.trusted,
    isRoot: process.geteuid?.() === 0,
  });
  const crash = crashTest(process.env);
  const phases = createPhases({ display: request.display, now: () => performance.now(), onPhase: crash });
  const backing = request.image.backing ?? [];
  return checkOutImage(
    {
      image: request.image.path,
      backing: backing.map((path) => resolveImagePath(path).path),
      searchDirectories: config.imageDirectories,
      runId: randomUUID(),
      now: () => new Date(),
      onStep: crash,
    },
    async (image) => {
      crash('lock');
      return updateImage(image, {
        ...choice,
        request: request.image,
        sources: sourcesOf(config, request),
        acceptUnclean: request.acceptUnclean,
        clock: () => new Date(),
        hostArchitecture: process.arch,
        phases,
        signal: request.signal,
      });
    },
  );
}
