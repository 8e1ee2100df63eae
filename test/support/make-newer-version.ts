import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

/** A copy of this program that has one more migration, which is breaking. @returns its `bin/coldpatch` */
export function makeNewerVersion(folder: string, sql: string): string {
  mkdirSync(join(folder, 'tools'), { recursive: true });
  for (const path of ['src', 'bin', 'package.json', 'tools/find-node.sh'])
    cpSync(join(root, path), join(folder, path), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'src/store/migrations/9000-later.sql'), `-- breaking: yes\n${sql}\n`);
  return join(folder, 'bin/coldpatch');
}
