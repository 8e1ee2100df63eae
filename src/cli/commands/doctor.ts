import { diagnose } from '../../app/doctor.ts';
import type { Diagnosis } from '../../machines/host/diagnose-host.ts';
import { interruptSignal } from '../interrupt-signal.ts';
import { loadCommandConfig } from '../load-command-config.ts';
import { printDiagnosis } from '../print-diagnosis.ts';
import { printJson } from '../print-json.ts';

export interface DoctorOptions {
  /** Where images are, besides the folders of the configuration. */
  readonly directories: readonly string[];
  /** Put in order what killed runs left. */
  readonly clean: boolean;
  readonly json: boolean;
  readonly config?: string;
}

const foundSomething = 4;

/** `coldpatch doctor [DIRECTORY...]`. @returns the exit code: 0, or 4 when something is missing, was left, or not read. */
export async function doctorCommand(
  io: { print(text: string): void },
  { directories, clean, json, config }: DoctorOptions,
): Promise<number> {
  const diagnosis = await diagnose(loadCommandConfig({ config }), {
    directories,
    clean,
    signal: interruptSignal(),
  });
  io.print(json ? printJson(diagnosis) : printDiagnosis(diagnosis));
  return isClean(diagnosis) ? 0 : foundSomething;
}

function isClean({ checks, leftovers, gaps }: Diagnosis): boolean {
  return checks.every(({ ok, required }) => ok || !required) && leftovers.length === 0 && gaps.length === 0;
}
