import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { explainPutIn } from './generator-in-copy.ts';

test.each([
  [73, 'start_impossible'],
  [74, 'start_impossible'],
  [75, 'start_impossible'],
  [71, 'engine_failed'],
  [1, 'engine_failed'],
])('a job that cannot be put in, exit code %i, is %s', (exitCode, code) => {
  expect(explainPutIn(exitCode, 'words')).toMatchObject({ code });
});

test('the generator makes units where it is told to, and nothing else', () => {
  const folder = mkdtempSync(join(tmpdir(), 'generator-'));
  try {
    const generator = join(import.meta.dirname, 'job-scripts/coldpatch-upgrade');
    execFileSync('sh', [generator, '/nonexistent/normal', folder, '/nonexistent/late']);
    const unit = readFileSync(join(folder, 'coldpatch-upgrade.service'), 'utf8');
    expect(unit).toContain(`ExecStart=/bin/sh ${folder}/coldpatch-upgrade.sh\n`);
    expect(readdirSync(join(folder, 'sysinit.target.wants'))).toEqual(['coldpatch-upgrade.service']);
    expect(readlinkSync(join(folder, 'timers.target'))).toBe('/dev/null');
    for (const script of ['coldpatch-upgrade.sh']) execFileSync('sh', ['-n', join(folder, script)]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.each(['put-in.sh', 'take-out.sh', 'take-out-with-directory.sh', 'start.sh'])(
  '%s is a script',
  (name) => {
    const { status, stderr } = spawnSync('sh', ['-n', join(import.meta.dirname, 'job-scripts', name)]);
    expect([status, stderr.toString()]).toEqual([0, '']);
  },
);
