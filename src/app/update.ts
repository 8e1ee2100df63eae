import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { openAppliance } from '../appliance/open-appliance.ts';
import type { Config } from '../config/schema.ts';
import { writeFileDurably } from '../lib/durable-file.ts';
import { assertNotHeldBack } from '../machines/definitions/held-back.ts';
import { openHostState } from '../machines/definitions/host-state.ts';
import { machineOfImage } from '../machines/definitions/machine-of-image.ts';
import { generationDirectory } from '../machines/generations/generation-paths.ts';
import type { MachineContext } from '../machines/machine-generations/read-generation.ts';
import { type TakenGeneration, takeGeneration } from '../machines/machine-generations/take-generation.ts';
import { assertNotPutBack } from '../machines/machine-generations/assert-not-put-back.ts';
import { logPromotion } from '../machines/machine-generations/log-promotion.ts';
import { noticePresent } from '../machines/machine-generations/notice-present.ts';
import { withMachine } from '../machines/machine-generations/with-machine.ts';
import { attestationName } from '../machines/signing/image-statements.ts';
import { openServiceKey, type ServiceKey } from '../machines/signing/service-key.ts';
import { signStatement } from '../machines/signing/statement.ts';
import { describePromotion, promotionPredicate } from '../patch/describe-promotion.ts';
import { checkOutImage } from '../machines/check-out-image.ts';
import { resolveImagePath } from '../machines/image-path.ts';
import { type ChosenEngine, chooseEngine } from '../patch/choose-engine.ts';
import { findKvm } from '../patch/engines/appliance/open-room.ts';
import type { EngineHost } from '../patch/engines/types.ts';
import { createPhases } from '../patch/phases.ts';
import type { Report } from '../patch/report.ts';
import { updateImage } from '../patch/update-image.ts';
import { crashTest } from './crash-test.ts';
import { bootTester, type BootTestWishes } from './boot-test.ts';
import { assertRoomToTake, pruneAsConfigured, reserveOf } from './keeping.ts';
import type { PlanRequest } from './plan.ts';
import { sourcesOf } from './sources.ts';
import { copyStarter } from './start-copy.ts';

export interface UpdateRequest extends PlanRequest {
  /** The operator says that the image is trusted. */
  readonly trusted: boolean;
  readonly acceptUnclean: boolean;
  /** What it may read and write, but for what it looks up in the image; as fast as it goes unless given. */
  readonly ioBytesPerSecond?: number | undefined;
  /** Start clones of the copy before it takes the image's place. */
  readonly bootTest?: BootTestWishes | undefined;
  /** Of a run that the server keeps: without it the update is a run of its own. */
  readonly run?: {
    /** Names the working copy. */
    readonly id: string;
    /**
     * Throws when the copy must not take the image's place. Asked immediately before that, and before the generation of
     * a machine is taken for it.
     */
    readonly assertMayPromote: () => Promise<void>;
  };
}

const now = (): Date => new Date();

/**
 * `coldpatch update`: the whole way of one image.
 * Of a disk of a machine, a generation of the whole machine is taken right before the promotion.
 * Each promotion is signed.
 */
export async function updateOneImage(config: Config, request: UpdateRequest): Promise<Report> {
  const choice = await chooseEngine(request.engine, {
    trusted: request.trusted,
    isRoot: process.geteuid?.() === 0,
    kvm: () => findKvm(engineHost(config, request), request.signal),
  });
  const { path } = resolveImagePath(request.image.path);
  const machine = await machineOfImage(config.stateDirectory, path);
  if (!machine) return updateAlone(config, request, choice);
  const settling = { now, onStep: crashTest(process.env) };
  return withMachine(config.stateDirectory, machine.name, settling, async (context) => {
    assertNotHeldBack(context.state, machine.name);
    await assertRoomToTake(config, context, { reserve: reserveOf(config, machine.name, 0n) });
    assertNotPutBack(machine.name, (await noticePresent(context, request.signal)).findings);
    const report = await updateAlone(config, request, choice, context);
    if (report.generation !== null) await pruneAsConfigured(config, context);
    return report;
  });
}

function engineHost(
  { cacheDirectory, kvmProbeSeconds, upgradeSeconds }: Config,
  request: UpdateRequest,
): EngineHost {
  return { cacheDirectory, kvmProbeSeconds, upgradeSeconds, ioBytesPerSecond: partOf(request) };
}

/** A digest is always under way while the engine or a copy is: each has one half. */
function partOf({ ioBytesPerSecond }: UpdateRequest): number | undefined {
  return ioBytesPerSecond === undefined ? undefined : ioBytesPerSecond / 2;
}

async function updateAlone(
  config: Config,
  request: UpdateRequest,
  choice: ChosenEngine,
  machine?: MachineContext,
): Promise<Report> {
  const crash = crashTest(process.env);
  const phases = createPhases({ display: request.display, now: () => performance.now(), onPhase: crash });
  const backing = request.image.backing ?? [];
  if (request.bootTest) await openAppliance(config.cacheDirectory);
  // Opened before anything else is done: a promotion that cannot be signed is not begun.
  const key = await openServiceKey(await openHostState(config.stateDirectory));
  return checkOutImage(
    {
      image: request.image.path,
      backing: backing.map((path) => resolveImagePath(path).path),
      searchDirectories: config.imageDirectories,
      runId: request.run?.id ?? randomUUID(),
      now,
      onStep: crash,
      ioBytesPerSecond: partOf(request),
    },
    async (image) => {
      crash('lock');
      let taken: TakenGeneration | undefined;
      const promoting = {
        ...image,
        promote: async (promotion: Parameters<typeof image.promote>[0]) => {
          await request.run?.assertMayPromote();
          taken = machine && (await takeBefore(config, machine, image.path, request.signal));
          // Taking a generation may take hours.
          if (taken) await request.run?.assertMayPromote();
          return image.promote(promotion);
        },
      };
      return updateImage(promoting, {
        ...choice,
        host: engineHost(config, request),
        request: request.image,
        sources: sourcesOf(config, request),
        acceptUnclean: request.acceptUnclean,
        bootTest:
          request.bootTest &&
          bootTester(config, request.bootTest, {
            path: image.path,
            workDirectory: image.workDirectory,
            machine: machine?.machine,
            signal: request.signal,
            onStart: (label) => phases.progress(0, label),
          }),
        startCopy: copyStarter(machine?.machine),
        onPromoted: async (report) => {
          if (machine && taken) {
            await logPromotion(machine, {
              generation: taken.number,
              manifest: taken.digest,
              path: image.path,
              sha256: report.after.digest,
              at: now(),
            });
          }
          const statement = signPromotion(report, key);
          if (statement === undefined || report.generation === null) return;
          await image.attach(report.generation, attestationName, statement);
          if (machine && taken) {
            const directory = generationDirectory(machine.state, taken.number);
            await writeFileDurably(join(directory, attestationName), statement, 0o600);
          }
        },
        clock: now,
        hostArchitecture: process.arch,
        phases,
        signal: request.signal,
      });
    },
  );
}

function takeBefore(
  config: Config,
  machine: MachineContext,
  path: string,
  signal: AbortSignal,
): Promise<TakenGeneration> {
  return takeGeneration(machine, {
    cause: 'update',
    reason: `before the update of ${path}`,
    reserve: reserveOf(config, machine.machine.name, 0n),
    now,
    signal,
    onStep: crashTest(process.env),
  });
}

function signPromotion(report: Report, key: ServiceKey): string | undefined {
  const described = describePromotion(report, now());
  if (!described) return undefined;
  const { subject, promotion } = described;
  return signStatement({ predicateType: promotionPredicate, subjects: [subject], predicate: promotion }, key);
}
