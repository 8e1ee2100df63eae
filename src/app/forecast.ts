import { type InspectRequest, openRequestedImage } from '../guest/open-requested-image.ts';
import { readMeasuredBoot } from '../guest/measured-boot/read-measured-boot.ts';
import { readSecureBootState } from '../guest/measured-boot/secure-boot-state.ts';
import type { MeasuredBoot } from '../guest/measured-boot/types.ts';
import { ColdpatchError } from '../lib/errors.ts';
import { listGenerations } from '../machines/generations/list-generations.ts';
import { resolveImagePath } from '../machines/image-path.ts';
import { type BootChangeKind, bootChangeKinds } from '../patch/forecast/boot-changes.ts';
import { forecastStart, type StartForecast } from '../patch/forecast/forecast-start.ts';
import { makeForecast } from '../patch/forecast/make-forecast.ts';
import { type StartChain, startChainOf } from '../patch/forecast/start-chain.ts';
import type { Forecast } from '../patch/forecast/types.ts';

export interface ForecastRequest {
  readonly image: InspectRequest;
  /** The file of UEFI variables that the machine starts with. */
  readonly uefiVariables?: string | undefined;
  /** Numbers of former states of the image; all complete ones when none is named. */
  readonly generations?: readonly number[] | undefined;
}

/** What `coldpatch forecast --json` prints. The names are fixed: scripts rely on them. */
export interface ImageForecast {
  readonly image: string;
  readonly chain: StartChain;
  /** What would move, were this one thing replaced. */
  readonly changes: readonly ({ readonly change: BootChangeKind } & Omit<Forecast, 'gaps'>)[];
  readonly gaps: Forecast['gaps'];
  /** Null when no UEFI variables were named. */
  readonly secureBoot: {
    readonly isEnforced: boolean;
    readonly sbatLevel: string | null;
    /** Entries of dbx. */
    readonly forbidden: number;
    readonly present: StartForecast;
    readonly generations: readonly ({ readonly generation: number } & StartForecast)[];
  } | null;
}

/**
 * `coldpatch forecast`: reads, and changes nothing.
 * @throws ColdpatchError `uefi_variables_invalid`, `generation_unknown`, and whatever opening an image throws.
 */
export async function forecastImage(request: ForecastRequest): Promise<ImageForecast> {
  const { image, uefiVariables } = request;
  const boot = readBoot(image, uefiVariables !== undefined);
  return {
    image: image.path,
    chain: startChainOf(boot),
    changes: bootChangeKinds.map((change) => {
      const { gaps: _, ...forecast } = makeForecast(boot, [{ kind: change, isCertain: true, packages: [] }]);
      return { change, ...forecast };
    }),
    gaps: boot.gaps,
    secureBoot: uefiVariables === undefined ? null : await secureBootOf(boot, uefiVariables, request),
  };
}

async function secureBootOf(
  boot: MeasuredBoot,
  path: string,
  { image, generations }: ForecastRequest,
): Promise<ImageForecast['secureBoot']> {
  const file = openRequestedImage({ path });
  try {
    const state = readSecureBootState(file.disk);
    const former = await formerStates(image.path, generations);
    return {
      isEnforced: state.isEnforced,
      sbatLevel: state.level?.date ?? null,
      forbidden: state.forbidden.length,
      present: forecastStart(boot, state, boot),
      generations: former.map(({ number, format, diskPath }) => {
        const kept = readBoot({ ...image, path: diskPath, format }, true);
        return { generation: number, ...forecastStart(kept, state, boot) };
      }),
    };
  } finally {
    file.close();
  }
}

async function formerStates(path: string, wanted: readonly number[] | undefined) {
  const found = await listGenerations(resolveImagePath(path).path);
  const complete = found.filter((generation) => generation.answer === 'complete');
  for (const number of wanted ?? []) {
    if (complete.some((generation) => generation.number === number)) continue;
    throw new ColdpatchError(
      'generation_unknown',
      `Expected a whole generation ${number} of ${path}, but there is none. "coldpatch generations" lists those that are kept.`,
    );
  }
  return complete.filter(({ number }) => wanted === undefined || wanted.includes(number));
}

function readBoot(request: InspectRequest, withIdentity: boolean): MeasuredBoot {
  const image = openRequestedImage(request);
  try {
    return readMeasuredBoot(image, { withIdentity });
  } finally {
    image.close();
  }
}
