/**
 * Set-up of a whole run of the tests: what a worker that is ended too early leaves is in one folder, which goes with the run.
 * For root, mounts in it are shared as under systemd: what one file of tests unmounts does not live on in the mount namespaces of another.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const prefix = 'coldpatch-tests-';

export function setup(): () => void {
  const outer = tmpdir();
  removeAbandoned(outer);
  const own = mkdtempSync(join(outer, `${prefix}${process.pid}-`));
  // Tests also start programs as ordinary users, who are to reach what they are given.
  chmodSync(own, 0o711);
  if (process.getuid?.() === 0) {
    execFileSync('mount', ['--bind', own, own]);
    execFileSync('mount', ['--make-shared', own]);
  }
  process.env.TMPDIR = own;
  // Hundreds of programs of ours are started, and most of their time would go into compiling.
  process.env.NODE_COMPILE_CACHE = join(own, 'compiled');
  return () => {
    process.env.TMPDIR = outer;
    remove(own);
  };
}

/** What runs of the same user left that were killed. */
function removeAbandoned(outer: string): void {
  for (const name of readdirSync(outer)) {
    const [, run] = new RegExp(`^${prefix}(\\d+)-`).exec(name) ?? [];
    if (run === undefined || existsSync(`/proc/${run}`)) continue;
    const folder = join(outer, name);
    if (statSync(folder).uid === process.getuid?.()) remove(folder);
  }
}

/** A worker may still be on its way out. What is mounted below goes with the mount, so that nothing is removed of it. */
function remove(folder: string): void {
  if (readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${folder} `)) {
    execFileSync('umount', ['--lazy', folder]);
  }
  rmSync(folder, { recursive: true, maxRetries: 20, retryDelay: 100 });
}
