import type { InspectRequest } from '../../guest/open-requested-image.ts';
import type { Inspection } from '../../guest/inspection.ts';
import type { Answer } from '../../lib/worker-pool.ts';
import { ColdpatchError, errorCatalogue } from '../../lib/errors.ts';
import { cleanText } from '../clean-text.ts';
import { printInspection } from '../print-inspection.ts';
import { cleanJson, oneLineJson, printJson } from '../print-json.ts';
import type { Progress } from '../progress.ts';

export const inspectFormats = ['table', 'json', 'cyclonedx', 'spdx'] as const;

export interface InspectOptions extends Omit<InspectRequest, 'path'> {
  readonly paths: readonly string[];
  readonly outputFormat: (typeof inspectFormats)[number];
  /** List every package in place of their number. */
  readonly packages: boolean;
}

/** What the command needs of the world. */
export interface InspectIo {
  inspect(requests: readonly InspectRequest[]): AsyncIterable<Answer<Inspection>>;
  print(text: string): void;
  printError(text: string): void;
  readonly progress?: Pick<Progress, 'phase' | 'update' | 'done'>;
}

/**
 * `coldpatch inspect IMAGE...`. An image that holds no known system is a finding, not a failure.
 * Of one image the document is printed as it is; of several, one document a line, in the order of the images.
 *
 * @returns the exit code: that of the worst image.
 * @throws ColdpatchError what one image alone could not be read for.
 */
export async function inspectCommand(io: InspectIo, options: InspectOptions): Promise<number> {
  const { paths, outputFormat, packages, ...request } = options;
  const print = await printers[outputFormat]({ packages });
  const requests = paths.map((path) => ({ path, ...request }));
  if (paths.length > 1) io.progress?.phase('inspect');
  let exitCode = 0;
  let done = 0;
  for await (const answer of io.inspect(requests)) {
    const path = paths[done] ?? '';
    done += 1;
    if (paths.length > 1) io.progress?.update(done / paths.length, path);
    if (answer.error === undefined) {
      const text = print(answer.value);
      io.print(paths.length > 1 && outputFormat !== 'table' ? oneLineJson(text) : text);
      continue;
    }
    const { code, message } = answer.error;
    if (paths.length === 1) throw new ColdpatchError(code, message);
    exitCode = Math.max(exitCode, errorCatalogue[code].exit);
    if (outputFormat === 'table') io.printError(`${cleanText(path)}: error ${code}: ${cleanText(message)}\n`);
    else io.print(oneLineJson(printJson({ image: { path }, error: { code, message } })));
  }
  if (paths.length > 1) io.progress?.done();
  return exitCode;
}

type Printer = (inspection: Inspection) => string;

const printers: Readonly<
  Record<InspectOptions['outputFormat'], (options: Pick<InspectOptions, 'packages'>) => Promise<Printer>>
> = {
  table: async (options) => (inspection) => printInspection(inspection, options),
  json: async () => printJson,
  async cyclonedx() {
    const { cycloneDx } = await import('../../app/sbom.ts');
    return (inspection) => cleanJson(cycloneDx(inspection, new Date()));
  },
  async spdx() {
    const { spdx } = await import('../../app/sbom.ts');
    return (inspection) => cleanJson(spdx(inspection, new Date()));
  },
};
