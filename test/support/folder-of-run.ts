/**
 * Set-up of a whole run of the tests: what a worker that is ended too early leaves is in one folder, which goes with the run.
 * For root, mounts in it are shared as under systemd: what one file of tests unmounts does not live on in the mount namespaces of another.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export function setup(): () => void {
  const outer = tmpdir();
  const own = mkdtempSync(join(outer, 'coldpatch-tests-'));
  // Tests also start programs as ordinary users, who are to reach what they are given.
  chmodSync(own, 0o711);
  const isRoot = process.getuid?.() === 0;
  if (isRoot) {
    execFileSync('mount', ['--bind', own, own]);
    execFileSync('mount', ['--make-shared', own]);
  }
  process.env.TMPDIR = own;
  return () => {
    process.env.TMPDIR = outer;
    if (isRoot) execFileSync('umount', [own]);
    rmSync(own, { recursive: true });
  };
}
