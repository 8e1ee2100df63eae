import { writeFile } from 'node:fs/promises';
import { updateOneImage } from '../../app/update.ts';
import { printJson } from '../print-json.ts';
import { printReport } from '../print-report.ts';
import { type RunIo, type RunOptions, startRun } from '../start-run.ts';

export interface UpdateOptions extends RunOptions {
  readonly json: boolean;
  readonly report?: string;
  readonly trustImage: boolean;
  readonly acceptUnclean: boolean;
}

/** `coldpatch update IMAGE`. */
export async function updateCommand(io: RunIo, options: UpdateOptions): Promise<void> {
  const { config, request } = startRun(io, options);
  const report = await updateOneImage(config, {
    ...request,
    trusted: options.trustImage,
    acceptUnclean: options.acceptUnclean,
  });
  if (options.report !== undefined)
    await writeFile(options.report, `${JSON.stringify(report, undefined, 2)}\n`);
  io.print(options.json ? printJson(report) : printReport(report));
}
