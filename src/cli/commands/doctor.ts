import type { Diagnosis } from '../../machines/host/diagnose-host.ts';
import { printDiagnosis } from '../print-diagnosis.ts';
import { printJson } from '../print-json.ts';

export interface DoctorOptions {
  readonly json: boolean;
  /** Put in order what killed runs left. */
  readonly clean: boolean;
  /** Where images are, besides the folders of the configuration. */
  readonly directories: readonly string[];
}

/** What the command needs of the world. */
export interface DoctorIo {
  diagnose(request: Omit<DoctorOptions, 'json'>): Promise<Diagnosis>;
  print(text: string): void;
}

const foundSomething = 4;

/** `coldpatch doctor [DIRECTORY...]`. @returns the exit code: 0, or 4 when something is missing, was left, or not read. */
export async function doctorCommand(io: DoctorIo, { json, ...request }: DoctorOptions): Promise<number> {
  const diagnosis = await io.diagnose(request);
  io.print(json ? printJson(diagnosis) : printDiagnosis(diagnosis));
  const isLacking = diagnosis.checks.some(({ ok, required }) => !ok && required);
  return isLacking || diagnosis.leftovers.length > 0 || diagnosis.gaps.length > 0 ? foundSomething : 0;
}
