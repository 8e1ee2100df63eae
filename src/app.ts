/** The only place where the rooms meet: what the command line asks for, put together from them. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Config } from './config/schema.ts';
import type { ImageFormatId } from './disk/image-formats/types.ts';
import { openChain } from './disk/open-chain.ts';
import { ColdpatchError } from './lib/errors.ts';
import { assertNoChildren, checkOutImage } from './machines/check-out-image.ts';
import { listGenerations } from './machines/generations/list-generations.ts';
import { rollBack } from './machines/generations/roll-back.ts';
import { holdImageLocks } from './machines/hypervisors/qemu/hold-image-lock.ts';
import { resolveImagePath } from './machines/image-path.ts';
import { chooseEngine } from './patch/choose-engine.ts';
import { examineImage, type ImageRequest } from './patch/examine-image.ts';
import { createPhases, type PhaseDisplay } from './patch/phases.ts';
import type { Plan } from './patch/plan.ts';
import { planUpgrade } from './patch/plan-upgrade.ts';
import type { Report } from './patch/report.ts';
import { updateImage } from './patch/update-image.ts';

/** Where upgrade information comes from, as the operator says it. */
export interface SourceOptions {
  readonly repositories?: readonly string[] | undefined;
  readonly allowStale: boolean;
  readonly offline: boolean;
}

export interface PlanRequest extends SourceOptions {
  readonly image: ImageRequest;
  readonly engine: string;
  readonly display: PhaseDisplay;
  readonly signal: AbortSignal;
}

export interface UpdateRequest extends PlanRequest {
  /** The operator says that the image is trusted. */
  readonly trusted: boolean;
  readonly acceptUnclean: boolean;
}

export interface RollbackRequest {
  readonly image: ImageRequest;
  readonly generation?: number | undefined;
  readonly signal: AbortSignal;
}

/** `coldpatch plan`: reads the image and its repositories, and changes nothing. */
export async function planImage(config: Config, request: PlanRequest): Promise<Plan> {
  const choice = chooseEngine(request.engine);
  const phases = createPhases({ display: request.display, now: () => performance.now() });
  const workDirectory = await mkdtemp(join(tmpdir(), 'coldpatch-plan-'));
  const image = await phases.run('inspect', () => examineImage(request.image));
  try {
    const { plan } = await phases.run('plan', () =>
      planUpgrade(image, {
        ...choice,
        sources: sourcesOf(config, request),
        workDirectory,
        clock: () => new Date(),
        onProgress: (progress) => {
          if (progress.step === 'repositories') phases.progress(progress.done / progress.total, progress.detail);
        },
        signal: request.signal,
      }),
    );
    return plan;
  } finally {
    image.close();
    await rm(workDirectory, { recursive: true, force: true });
  }
}

/** `coldpatch update`: the whole way of one image. */
export async function updateOneImage(config: Config, request: UpdateRequest): Promise<Report> {
  const choice = chooseEngine(request.engine, { trusted: request.trusted, isRoot: process.geteuid?.() === 0 });
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
      await crash('lock');
      return updateImage(image, {
        ...choice,
        request: request.image,
        sources: sourcesOf(config, request),
        trusted: request.trusted,
        acceptUnclean: request.acceptUnclean,
        clock: () => new Date(),
        hostArchitecture: process.arch,
        phases,
        signal: request.signal,
      });
    },
  );
}

/** `coldpatch generations`. */
export function generationsOf(path: string): ReturnType<typeof listGenerations> {
  return listGenerations(resolveImagePath(path).path);
}

/** `coldpatch rollback`. */
export function rollBackImage(config: Config, request: RollbackRequest): ReturnType<typeof rollBack> {
  const { path } = resolveImagePath(request.image.path);
  assertNoChildren(path, config.imageDirectories);
  const backing = (request.image.backing ?? []).map((file) => resolveImagePath(file).path);
  return rollBack({
    image: request.image.path,
    ...(request.generation !== undefined && { generation: request.generation }),
    format: formatOf(request.image),
    holdImages: (paths) => holdImageLocks([...paths, ...backing]),
    now: () => new Date(),
    signal: request.signal,
    onStep: crashTest(process.env),
  });
}

function formatOf({ path, format, backing = [] }: ImageRequest): ImageFormatId {
  if (format) return format;
  const { chain, close } = openChain(
    { path },
    backing.map((file) => ({ path: file })),
  );
  close();
  const own = chain[0];
  if (own) return own.header.format;
  throw new ColdpatchError('internal', `Expected a format for ${path}.`);
}

function sourcesOf(config: Config, { repositories, allowStale, offline }: SourceOptions) {
  return {
    ...(repositories && repositories.length > 0 && { repositories }),
    allowStale,
    offline,
    cacheDirectory: config.cacheDirectory,
  };
}

/**
 * For the tests that end this process at every step: COLDPATCH_CRASH_AT names the step, and does nothing unless
 * COLDPATCH_TEST is set too.
 */
function crashTest(environment: NodeJS.ProcessEnv): (step: string) => void {
  const target = environment.COLDPATCH_TEST === '1' ? environment.COLDPATCH_CRASH_AT : undefined;
  return (step) => {
    if (step === target) process.kill(process.pid, 'SIGKILL');
  };
}

export { inspectPath } from './guest/inspect-path.ts';
