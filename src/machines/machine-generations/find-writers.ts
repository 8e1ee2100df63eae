import { readdirSync, readFileSync, statSync } from 'node:fs';
import { ColdpatchError } from '../../lib/errors.ts';
import { fileIdOf } from '../file-id.ts';

const accessMode = 0o3;

/**
 * Refuses files that some process of this host has open for writing, or mapped so.
 * That finds what takes no lock, such as an swtpm whose state is one file. Without root only our own processes are seen.
 *
 * @throws ColdpatchError `image_in_use`.
 */
export function assertNoWriters(paths: readonly string[]): void {
  for (const { path, pid } of writersOf(paths)) {
    throw new ColdpatchError(
      'image_in_use',
      `Expected ${path} to be switched off, but process ${pid} has it open for writing. Shut the machine down, then try again.`,
    );
  }
}

/** Processes of this host that have one of the files open for writing, each with each of its files. */
export function* writersOf(
  paths: readonly string[],
): Generator<{ readonly path: string; readonly pid: number }> {
  const wanted = new Map(
    paths.flatMap((path) => {
      const status = statSync(path, { bigint: true, throwIfNoEntry: false });
      return status ? [[`${status.dev}:${status.ino}`, path] as const] : [];
    }),
  );
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    for (const path of writtenBy(pid, wanted)) yield { path, pid: Number(pid) };
  }
}

function writtenBy(pid: string, wanted: ReadonlyMap<string, string>): ReadonlySet<string> {
  const found = new Set<string>();
  for (const descriptor of namesOrNone(`/proc/${pid}/fd`)) {
    const path = wanted.get(fileIdOf(`/proc/${pid}/fd/${descriptor}`) ?? '');
    if (path !== undefined && isForWriting(`/proc/${pid}/fdinfo/${descriptor}`)) found.add(path);
  }
  const maps = textOrNone(`/proc/${pid}/maps`);
  for (const path of wanted.values()) {
    if (!maps.includes(` ${path}\n`)) continue;
    if (maps.split('\n').some((line) => /^\S+ .w.s /.test(line) && line.endsWith(` ${path}`)))
      found.add(path);
  }
  return found;
}

function isForWriting(fdinfo: string): boolean {
  const flags = /^flags:\s*([0-7]+)$/m.exec(textOrNone(fdinfo))?.[1] ?? '0';
  return (Number.parseInt(flags, 8) & accessMode) !== 0;
}

function namesOrNone(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function textOrNone(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
