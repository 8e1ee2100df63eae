import { findProgram } from './find-program.ts';
import { type HostProgram, hostPrograms } from './host-programs.ts';
import type { HostCheck, HostReport } from './types.ts';

/** Looks for every program that coldpatch starts. @param find where a program is, or undefined. */
export function checkPrograms(find: (name: string) => string | undefined = findProgram): HostReport {
  const found = hostPrograms.map((program) => ({ program, path: find(program.program) }));
  const missing = found.filter(({ path }) => path === undefined).map(({ program }) => program.package);
  const packages = [...new Set(missing)].toSorted();
  return {
    checks: found.map(({ program, path }) => describe(program, path)),
    installCommand:
      packages.length === 0 ? null : `apt-get install --no-install-recommends ${packages.join(' ')}`,
  };
}

function describe(
  { program, purpose, required, package: name }: HostProgram,
  path: string | undefined,
): HostCheck {
  const check = { check: program, required };
  if (path !== undefined) return { ...check, ok: true, detail: path };
  return { ...check, ok: false, detail: `not there; ${purpose}`, remedy: `install the package ${name}` };
}
