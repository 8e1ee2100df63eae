import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { assertWritable } from '../disk/image-formats/assert-writable.ts';
import { openImage } from '../disk/open-image.ts';
import { inspectImage } from '../guest/inspect-image.ts';
import type { GuestMount } from '../guest/mount-guest.ts';
import { readGuest } from '../guest/read-guest.ts';
import { digestFile } from '../lib/digest-file.ts';
import { syncFile } from '../lib/durable-file.ts';
import { ColdpatchError } from '../lib/errors.ts';
import { ensurePackages } from '../upgrades/pool/ensure-packages.ts';
import { ensureUnpacked } from '../upgrades/pool/ensure-unpacked.ts';
import { assertGuestSpace, assertSameArchitecture, assertUpgradable } from './assert-upgradable.ts';
import type { CheckedOutImage } from './checked-out-image.ts';
import { describeUpdate, type Outcome } from './describe-update.ts';
import type { CopyStart, Engine, EngineHost, EngineInput, ImageCopy } from './engines/types.ts';
import { type ExaminedImage, examineImage, type ImageRequest } from './examine-image.ts';
import type { Phases } from './phases.ts';
import type { UpgradeSources } from './find-image-upgrades.ts';
import { planUpgrade, type PlannedUpgrade } from './plan-upgrade.ts';
import { recordChanges } from './recording/record-changes.ts';
import type { Recording } from './recording/types.ts';
import type { BootTestReport, Report } from './report.ts';
import { checkAccounts } from './verification/check-accounts.ts';
import { checkBoot } from './verification/check-boot.ts';
import { compareWithPlan } from './verification/compare-with-plan.ts';
import { type Check, judge } from './verification/types.ts';

export interface UpdateOptions {
  readonly request: ImageRequest;
  readonly sources: UpgradeSources;
  readonly engine: Engine;
  readonly engineReason: string;
  readonly host: EngineHost;
  readonly acceptUnclean: boolean;
  /** Starts throw-away clones of the upgraded copy, and of the original when that is needed to judge. */
  readonly bootTest?: ((input: BootTestInput) => Promise<BootTestReport>) | undefined;
  /** See `StartCopy`. */
  readonly startCopy: (examined: ExaminedImage, start: CopyStart) => Promise<number>;
  /** Called when the copy has taken the image's place, before anything else is kept of it. */
  readonly onPromoted: (report: Report) => Promise<void>;
  readonly clock: () => Date;
  /** Of the host, as Node names it. */
  readonly hostArchitecture: string;
  readonly phases: Phases;
  readonly signal: AbortSignal;
}

/** What is started, and what it is compared with; both are only read. */
export interface BootTestInput {
  readonly copy: ImageCopy;
  readonly original: ImageCopy;
  readonly examined: ExaminedImage;
}

/** The copy did not pass: what was checked goes into the error's report. */
export class VerificationError extends ColdpatchError {
  readonly checks: readonly Check[];

  constructor(checks: readonly Check[]) {
    const failed = checks.filter(({ ok }) => !ok).map(({ check, detail }) => `${check}: ${detail}`);
    super(
      'verification_failed',
      `Expected the upgraded copy to pass every check, but:\n${failed.join('\n')}\nThe copy was thrown away; the original is as it was.`,
    );
    this.checks = checks;
  }
}

/** The way of one image: inspect, plan, upgrade a copy, verify it from outside, promote it. */
export async function updateImage(image: CheckedOutImage, options: UpdateOptions): Promise<Report> {
  const startedAt = options.clock().toISOString();
  const { phases } = options;
  await options.engine.assertReady?.(options.host);
  const examined = await phases.run('inspect', () => {
    const found = examineImage({ ...options.request, path: image.path });
    try {
      for (const member of found.opened.chain) assertWritable(member);
      assertUpgradable(found, options.engine, options.acceptUnclean);
      assertSameArchitecture(found.operatingSystem.architecture, options.hostArchitecture);
      return found;
    } catch (error) {
      found.close();
      throw error;
    }
  });
  try {
    // The original does not change while we hold it: its digest is made while the solver uses the other processor.
    image.digest(options.signal).catch(() => undefined);
    const planned = await phases.run('plan', () =>
      planUpgrade(examined, {
        ...options,
        workDirectory: image.workDirectory,
        onProgress: (progress) => {
          if (progress.step === 'repositories')
            phases.progress(progress.done / progress.total, progress.detail);
        },
      }),
    );
    const base = {
      image,
      engine: options.engine,
      engineReason: options.engineReason,
      startedAt,
      planned,
    };
    if (planned.plan.changes.length === 0) {
      const digest = await phases.run('digest', () => image.digest(options.signal));
      return describeUpdate({ ...base, phases: phases.finished(), before: digest, after: digest });
    }
    assertGuestSpace(planned.plan);
    const upgraded = await upgrade(image, options, examined, planned);
    const { before, after, generation, packedRecording } = upgraded;
    const report = describeUpdate({ ...base, phases: phases.finished(), before, after, upgraded });
    await options.onPromoted(report);
    await image.attach(generation, 'report.json', `${JSON.stringify(report, undefined, 2)}\n`);
    await image.attach(generation, 'recording.json.zst', packedRecording);
    return report;
  } finally {
    examined.close();
  }
}

async function upgrade(
  image: CheckedOutImage,
  options: UpdateOptions,
  examined: ExaminedImage,
  planned: PlannedUpgrade,
): Promise<Promoted & Pick<NonNullable<Outcome['upgraded']>, 'method' | 'result'>> {
  const { phases, signal } = options;
  const mounts = examined.reading.mounts.filter((mount) => options.engine.canMount(mount));
  await image.assertRoomForCopy(hostBytes(planned, options.engine));
  const { packages, made } = await fetchAndCopy(image, options, planned);
  const copy = copyOf(made.path, examined);
  const result = await phases.run('upgrade', () =>
    options.engine.run({
      host: options.host,
      copy,
      guest: engineGuest(examined, mounts),
      packages,
      workDirectory: makeDirectory(image.workDirectory, 'engine'),
      signal,
      startCopy: (start) => options.startCopy(examined, start),
      onProgress: ({ fraction, detail }) => phases.progress(fraction, detail),
    }),
  );
  const promoted = await verifyAndPromote(image, options, examined, { copy, mounts, planned });
  return { ...promoted, method: made.method, result };
}

interface UpgradedCopy {
  readonly copy: ImageCopy;
  readonly mounts: readonly GuestMount[];
  readonly planned: PlannedUpgrade;
}

interface Promoted
  extends Pick<Outcome, 'before' | 'after'>,
    Pick<NonNullable<Outcome['upgraded']>, 'recording' | 'verification' | 'bootTest' | 'generation'> {
  /** The recording as it is kept. */
  readonly packedRecording: Uint8Array;
}

/** Nobody writes to the copy any more: it is synced, digested and checked by programs while it is read here. */
async function verifyAndPromote(
  image: CheckedOutImage,
  options: UpdateOptions,
  examined: ExaminedImage,
  { copy, mounts, planned }: UpgradedCopy,
): Promise<Promoted> {
  const { phases, host } = options;
  const workDirectory = makeDirectory(image.workDirectory, 'verify');
  const ended = new AbortController();
  const signal = AbortSignal.any([options.signal, ended.signal]);
  const written = syncFile(copy.path);
  const after = digestFile(copy.path, { signal, bytesPerSecond: host.ioBytesPerSecond });
  const outside = options.engine.checkFromOutside({ copy, mounts, workDirectory, host, signal });
  const background = Promise.allSettled([written, after, outside]);
  try {
    const { recording, checks } = await phases.run('record', () =>
      readResult(copy, examined, mounts, planned),
    );
    const verification = await phases.run('verify', async () => {
      const found = [...(await outside), ...checks];
      if (found.some(({ ok }) => !ok)) throw new VerificationError(found);
      return found;
    });
    const bootTest = await testBoot(copy, examined, image.path, verification, options);
    return await phases.run('promote', async () => {
      // What can fail is done before: afterwards the image is another one, whatever is told.
      const packedRecording = zstdCompressSync(JSON.stringify(recording));
      signal.throwIfAborted();
      const [before, digest] = await Promise.all([image.digest(signal), after, written]);
      const generation = await image.promote({ copy: copy.path, format: copy.format, digest: before });
      return {
        before,
        after: digest,
        recording,
        packedRecording,
        verification: bootTest ? [...verification, bootTest.check] : verification,
        bootTest: bootTest?.report ?? null,
        generation,
      };
    });
  } finally {
    ended.abort();
    await background;
  }
}

/** What a run takes beside the image, but for a copy of it as it is. */
function hostBytes({ plan, upgrades }: PlannedUpgrade, engine: Engine): bigint {
  const growth = BigInt(plan.disk.needed);
  const arrivals = upgrades.changes.flatMap((change) =>
    change.to === null ? [] : [{ size: change.file.size, installedSize: change.installedSize }],
  );
  return engine.hostBytes?.(growth, arrivals) ?? growth;
}

/** Copies the image while its packages are fetched, or found to be whole. */
async function fetchAndCopy(
  image: CheckedOutImage,
  { phases, sources, clock, signal }: UpdateOptions,
  { upgrades }: PlannedUpgrade,
): Promise<{
  readonly packages: EngineInput['packages'];
  readonly made: Awaited<ReturnType<CheckedOutImage['copy']>>;
}> {
  const failed = new AbortController();
  const copying = image.copy(AbortSignal.any([signal, failed.signal]));
  copying.catch(() => undefined);
  try {
    const { cacheDirectory } = sources;
    const packages = await phases.run('packages', async () => {
      const files = upgrades.changes.flatMap((change) => (change.to === null ? [] : [change.file]));
      const pooled = await ensurePackages(files, {
        cacheDirectory,
        allowHostFiles: sources.repositories !== undefined,
        onProgress: (done, total) => phases.progress(total === 0 ? 1 : done / total, ''),
        clock,
        signal,
      });
      return ensureUnpacked(pooled, { cacheDirectory, clock, signal });
    });
    return { packages, made: await phases.run('copy', () => copying) };
  } catch (error) {
    failed.abort();
    await copying.catch(() => undefined);
    throw error;
  }
}

/** @throws VerificationError when the copy does not start as the original does. */
async function testBoot(
  copy: ImageCopy,
  examined: ExaminedImage,
  path: string,
  verification: readonly Check[],
  { phases, bootTest }: UpdateOptions,
): Promise<{ readonly report: BootTestReport; readonly check: Check } | undefined> {
  if (!bootTest) return undefined;
  return phases.run('boot-test', async () => {
    const report = await bootTest({ copy, original: copyOf(path, examined), examined });
    const words = `${report.detail}; evidence is in ${report.evidence}`;
    const check = judge(
      'boot test',
      report.outcome === 'failed' ? [words] : [],
      report.outcome === 'not_told' ? `nothing is told: ${words}` : words,
    );
    if (!check.ok) throw new VerificationError([...verification, check]);
    return { report, check };
  });
}

function makeDirectory(parent: string, name: string): string {
  const path = join(parent, name);
  mkdirSync(path, { mode: 0o700 });
  return path;
}

/** The copy has the original's format and its backing files: neither is found out again. */
function copyOf(path: string, { opened }: ExaminedImage): ImageCopy {
  const [own, ...backing] = opened.chain;
  if (!own) throw new ColdpatchError('internal', 'Expected an image with at least its own file.');
  return {
    path,
    format: assertWritable(own),
    backing: backing.map((member) => ({
      path: member.path,
      format: assertWritable(member),
    })),
  };
}

function engineGuest(
  { opened, reading, tree }: ExaminedImage,
  mounts: readonly GuestMount[],
): EngineInput['guest'] {
  return {
    mounts,
    ...(reading.rootEntry && { rootEntry: reading.rootEntry }),
    ...(opened.partitionTable && { partitionTable: opened.partitionTable.id }),
    ...(reading.grubMenu && { grubMenu: reading.grubMenu }),
    hasPolicyRcD: tree.exists('/usr/sbin/policy-rc.d'),
  };
}

interface Result {
  readonly recording: Recording;
  readonly checks: readonly Check[];
}

/** Reads the copy with our own readers, and compares it with the original and with the plan. */
async function readResult(
  copy: ImageCopy,
  examined: ExaminedImage,
  mounts: readonly GuestMount[],
  { plan }: PlannedUpgrade,
): Promise<Result> {
  const opened = openImage(copy);
  try {
    const reading = readGuest(opened);
    const { tree, guest } = reading;
    if (!tree || !guest) {
      const check = { check: 'guest', ok: false, detail: 'the system in the copy can no longer be read' };
      return { recording: { changes: [] }, checks: [check] };
    }
    const pairs = mounts.map(({ path, filesystem }) => {
      const after = reading.mounts.find((mount) => mount.path === path)?.filesystem;
      if (after) return { path, before: filesystem, after };
      throw new ColdpatchError('verification_failed', `Expected ${path} in the copy, but it is gone.`);
    });
    const recording = recordChanges(pairs);
    return {
      recording,
      checks: [
        ...compareWithPlan(plan, examined.inspection, inspectImage(opened, reading), recording),
        checkAccounts(examined.tree, tree),
        await checkBoot(
          plan,
          { kernels: examined.inspection.kernels, menu: examined.reading.grubMenu, tree: examined.tree },
          { kernels: guest.kernels, menu: reading.grubMenu, tree },
          recording,
        ),
      ],
    };
  } finally {
    opened.close();
  }
}
