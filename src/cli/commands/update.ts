import { updateOneImage } from '../../app/update.ts';
import { ColdpatchError } from '../../lib/errors.ts';
import { bootTestWishes } from '../boot-test-wishes.ts';
import { printJson } from '../print-json.ts';
import { printReport } from '../print-report.ts';
import { type RunIo, type RunOptions, startRun } from '../start-run.ts';
import { assertPlaceFor, writeOutput } from '../write-output.ts';

export interface UpdateOptions extends RunOptions {
  readonly json: boolean;
  readonly report?: string;
  readonly trustImage: boolean;
  readonly acceptUnclean: boolean;
  readonly bootTest: boolean;
  readonly probe?: readonly string[];
  readonly timeLimit: number;
  readonly memory: number;
  readonly evidence?: string;
}

/** `coldpatch update IMAGE`. */
export async function updateCommand(io: RunIo, options: UpdateOptions): Promise<void> {
  if (!options.bootTest && (options.probe !== undefined || options.evidence !== undefined))
    throw new ColdpatchError('usage', 'Expected --boot-test together with --probe and --evidence.');
  if (options.report !== undefined) assertPlaceFor(options.report);
  const { config, request } = startRun(io, options);
  const report = await updateOneImage(config, {
    ...request,
    trusted: options.trustImage,
    acceptUnclean: options.acceptUnclean,
    ...(options.bootTest && { bootTest: bootTestWishes(options) }),
  });
  io.print(options.json ? printJson(report) : printReport(report));
  if (options.report !== undefined) writeOutput(options.report, `${JSON.stringify(report, undefined, 2)}\n`);
}
