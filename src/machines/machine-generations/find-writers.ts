import { readdirSync, readFileSync, statSync } from 'node:fs';
import { ColdpatchError } from '../../lib/errors.ts';

const accessMode = 0o3;

/**
 * Refuses files that some process of this host has open for writing, or mapped so.
 * That finds what takes no lock, such as an swtpm whose state is one file. Without root only our own processes are seen.
 *
 * @throws ColdpatchError `image_in_use`.
 */
export function assertNoWriters(paths: readonly string[]): void {
  const wanted = new Map(
    paths.flatMap((path) => {
      const status = statSync(path, { bigint: true, throwIfNoEntry: false });
      return status ? [[`${status.dev}:${status.ino}`, path] as const] : [];
    }),
  );
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const path = writtenBy(pid, wanted);
    if (path === undefined) continue;
    throw new ColdpatchError(
      'image_in_use',
      `Expected ${path} to be switched off, but process ${pid} has it open for writing. Shut the machine down, then try again.`,
    );
  }
}

function writtenBy(pid: string, wanted: ReadonlyMap<string, string>): string | undefined {
  for (const descriptor of namesOrNone(`/proc/${pid}/fd`)) {
    const path = wanted.get(idOf(`/proc/${pid}/fd/${descriptor}`) ?? '');
    if (path !== undefined && isForWriting(`/proc/${pid}/fdinfo/${descriptor}`)) return path;
  }
  const maps = textOrNone(`/proc/${pid}/maps`);
  const mapped = [...wanted.values()].find((path) => maps.includes(` ${path}\n`));
  if (mapped === undefined) return undefined;
  return maps.split('\n').some((line) => /^\S+ .w.s /.test(line) && line.endsWith(` ${mapped}`))
    ? mapped
    : undefined;
}

function isForWriting(fdinfo: string): boolean {
  const flags = /^flags:\s*([0-7]+)$/m.exec(textOrNone(fdinfo))?.[1] ?? '0';
  return (Number.parseInt(flags, 8) & accessMode) !== 0;
}

function idOf(path: string): string | undefined {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    // The process, or what it had open, is gone.
    return undefined;
  }
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
