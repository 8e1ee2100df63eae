/** The gate `boundaries`: prints every violation and ends with 1 when there is one, or when not every module was read. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkFile, checkModules } from './boundaries/check-modules.ts';
import { listModules } from './boundaries/list-modules.ts';

/** All violations of the repository at `root`. */
export function checkBoundaries(root: string): readonly string[] {
  const src = join(root, 'src');
  const paths = listModules(src);
  const sources = new Map(paths.map((path) => [path, readFileSync(join(src, path), 'utf8')]));
  const { read, violations } = checkModules(sources);
  if (read === 0 || read !== paths.length) {
    return [...violations, `src: read the imports of ${read} modules, but there are ${paths.length}`];
  }
  return [...violations, ...['tools', 'test', 'bench'].flatMap((folder) => checkFiles(join(root, folder)))];
}

function checkFiles(folder: string): readonly string[] {
  if (!existsSync(folder)) {
    return [];
  }
  return listModules(folder).flatMap((path) => checkFile(path, readFileSync(join(folder, path), 'utf8')));
}

if (import.meta.main) {
  const violations = checkBoundaries(join(import.meta.dirname, '..'));
  if (violations.length > 0) {
    console.log(violations.join('\n'));
    process.exitCode = 1;
  }
}
