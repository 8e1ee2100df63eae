import { examine } from '../../app/doctor.ts';
import { cleanText } from '../clean-text.ts';
import { loadCommandConfig } from '../load-command-config.ts';
import { printJson } from '../print-json.ts';
import { section } from '../print-plan.ts';
import { printTable } from '../print-table.ts';

export interface DoctorOptions {
  readonly directories: readonly string[];
  readonly clean: boolean;
  readonly json: boolean;
  readonly config?: string;
}

/** `coldpatch doctor [DIRECTORY...]`. @returns the exit code: 4 when something is missing or was left behind. */
export async function doctorCommand(
  io: { print(text: string): void },
  options: DoctorOptions,
): Promise<number> {
  const { checks, leftovers } = await examine(loadCommandConfig(options), options);
  const missing = checks.filter(({ state }) => state === 'missing');
  const packages = [...new Set(missing.flatMap((check) => check.package ?? []))];
  const remedy =
    packages.length === 0 ? null : `apt-get install --no-install-recommends ${packages.join(' ')}`;
  if (options.json) {
    io.print(printJson({ checks, remedy, leftovers }));
  } else {
    const marks = { ok: 'ok', missing: 'MISSING', note: 'note' };
    const rows = checks.map(({ check, state, detail }) => [
      cleanText(check),
      marks[state],
      cleanText(detail),
    ]);
    const lines = [
      ...printTable(['check', '', ''], rows),
      ...section('This brings what is missing', remedy === null ? [] : [remedy], (command) => command),
      ...section(
        options.clean
          ? 'Left by runs that were killed, and cleaned now'
          : 'Left by runs that were killed (clean with --clean)',
        leftovers,
        ({ image, path }) => `${path} (of ${image})`,
      ),
    ];
    io.print(`${lines.join('\n')}\n`);
  }
  const found = missing.length > 0 || leftovers.some(({ cleaned }) => !cleaned);
  return found ? 4 : 0;
}
