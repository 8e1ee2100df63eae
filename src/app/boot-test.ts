import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { Config } from '../config/schema.ts';
import { assertWritable } from '../disk/image-formats/assert-writable.ts';
import { openImage } from '../disk/open-image.ts';
import { type GuestReading, readGuest } from '../guest/read-guest.ts';
import { describeCloneMounts } from '../machines/boot-test/describe-clone-mounts.ts';
import { runBootTest, type TestedImage } from '../machines/boot-test/run-boot-test.ts';
import type { BootLabel, BootTestResult, Probe } from '../machines/boot-test/types.ts';
import { checkOutImage } from '../machines/check-out-image.ts';
import { hostStateOf } from '../machines/definitions/host-state.ts';
import type { Machine } from '../machines/definitions/machine.ts';
import { machineOfImage } from '../machines/definitions/machine-of-image.ts';
import { readMachine } from '../machines/definitions/read-machine.ts';
import { stateDirectoryOf } from '../machines/generations/state-directory.ts';
import { resolveImagePath } from '../machines/image-path.ts';
import { withMachine } from '../machines/machine-generations/with-machine.ts';
import type { ImageCopy } from '../patch/engines/types.ts';
import type { ImageRequest } from '../patch/examine-image.ts';
import type { BootTestReport } from '../patch/report.ts';
import type { BootTestInput } from '../patch/update-image.ts';
import { firmwareOf } from './start-copy.ts';

export { parseProbe } from '../machines/boot-test/parse-probe.ts';

/** How an operator wants it tested. */
export interface BootTestWishes {
  readonly probes: readonly Probe[];
  /** For each start. */
  readonly timeLimitSeconds: number;
  readonly memoryMebibytes: number;
  /** An empty directory for the evidence, or one that is made; unless given, beside the image. */
  readonly evidence: string | undefined;
}

export interface BootTestRequest extends BootTestWishes {
  readonly of: { readonly image: ImageRequest } | { readonly machine: string };
  readonly signal: AbortSignal;
}

const now = (): Date => new Date();

/** `coldpatch boot-test`: starts a throw-away clone of an image, or of the machine that it is a disk of. */
export async function bootTestImage(config: Config, request: BootTestRequest): Promise<BootTestReport> {
  const image = await imageOf(config, request);
  const { path } = resolveImagePath(image.path);
  const machine = await machineOfImage(config.stateDirectory, path);
  if (!machine) return testAlone(config, request, image);
  return withMachine(config.stateDirectory, machine.name, { now }, () =>
    testAlone(config, request, image, machine),
  );
}

async function imageOf(config: Config, { of }: BootTestRequest): Promise<ImageRequest> {
  if ('image' in of) return of.image;
  const { disks } = await readMachine(hostStateOf(config.stateDirectory), of.machine);
  return { path: disks[0]?.path ?? '', format: disks[0]?.format };
}

async function testAlone(
  config: Config,
  request: BootTestRequest,
  image: ImageRequest,
  machine?: Machine,
): Promise<BootTestReport> {
  const backing = (image.backing ?? []).map((path) => ({ path: resolveImagePath(path).path }));
  return checkOutImage(
    {
      image: image.path,
      backing: backing.map(({ path }) => path),
      searchDirectories: config.imageDirectories,
      runId: randomUUID(),
      now,
    },
    async ({ path, workDirectory }) => {
      const opened = openImage({ path, format: image.format, backing });
      let tested: TestedImage;
      let madeFor: 'bios' | 'uefi';
      try {
        const [own, ...others] = opened.chain.map((member) => ({
          path: member.path,
          format: assertWritable(member),
        }));
        tested = {
          file: own ?? { path, format: 'raw' },
          backing: others,
          mounts: mountsOf(readGuest(opened)),
        };
        madeFor = firmwareOf(opened);
      } finally {
        opened.close();
      }
      const result = await runBootTest({
        ...commonOptions(config, request, { path, workDirectory, machine, signal: request.signal }),
        image: tested,
        madeFor,
        onStart: () => undefined,
      });
      return describe(result);
    },
  );
}

export interface BootTestPlace {
  /** Of the image. */
  readonly path: string;
  readonly workDirectory: string;
  readonly machine: Machine | undefined;
  readonly signal: AbortSignal;
  readonly onStart: (label: BootLabel) => void;
}

/** `coldpatch update --boot-test`: compares an upgraded copy with the image that it was made from. */
export function bootTester(
  config: Config,
  wishes: BootTestWishes,
  place: BootTestPlace,
): (input: BootTestInput) => Promise<BootTestReport> {
  return async ({ copy, original, examined }) => {
    const mounts = mountsOf(examined.reading);
    const tested = ({ path, format, backing }: ImageCopy): TestedImage => ({
      file: { path, format },
      backing,
      mounts,
    });
    const result = await runBootTest({
      ...commonOptions(config, wishes, place),
      image: tested(copy),
      unpatched: tested(original),
      madeFor: firmwareOf(examined.opened),
      onStart: place.onStart,
    });
    return describe(result);
  };
}

function commonOptions(
  config: Config,
  { probes, timeLimitSeconds, memoryMebibytes, evidence }: BootTestWishes,
  { path, workDirectory, machine, signal }: Omit<BootTestPlace, 'onStart'>,
) {
  const own = { path: join(stateDirectoryOf(path).path, 'boot-test'), owner: 'own' as const };
  return {
    path,
    workDirectory,
    machine,
    probes,
    timeLimitSeconds,
    memoryMebibytes,
    signal,
    host: { cacheDirectory: config.cacheDirectory, kvmProbeSeconds: config.kvmProbeSeconds },
    evidence: evidence === undefined ? own : { path: evidence, owner: 'operator' as const },
  };
}

/** Where the job can be put that reports from inside. */
function mountsOf({ mounts, tree }: Pick<GuestReading, 'mounts' | 'tree'>): TestedImage['mounts'] {
  const systemd = ['/usr/lib/systemd/systemd', '/lib/systemd/systemd'];
  if (tree && !systemd.some((path) => tree.exists(path))) return { reason: 'it has no systemd' };
  return describeCloneMounts(
    mounts.map(({ path, filesystem, volume }) => ({
      path,
      filesystem: filesystem.id,
      number: volume.partition?.number ?? 0,
      start: volume.managed ? undefined : volume.start,
    })),
  );
}

function describe({ boots, ...result }: BootTestResult): BootTestReport {
  return {
    ...result,
    boots: boots.map((boot) => ({
      ...boot,
      failedUnits: [...boot.failedUnits],
      failedProbes: [...boot.failedProbes],
      evidence: [...boot.evidence],
    })),
  };
}
