/** The appliance by itself: built twice, started, and what it does when its inside misbehaves. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { probeKvm } from '../src/appliance/acceleration.ts';
import { openAppliance } from '../src/appliance/open-appliance.ts';
import { withAppliance } from '../src/appliance/run-appliance.ts';
import type { Appliance, ApplianceManifest } from '../src/appliance/types.ts';
import { ColdpatchError } from '../src/lib/errors.ts';
import { runColdpatch } from './support/command-line-fixture.ts';
import { imageCacheDirectory } from './support/guest-image.ts';

let appliance: Appliance;
let folder: string;

beforeAll(async () => {
  const environment = { COLDPATCH_CACHE_DIRECTORY: imageCacheDirectory };
  const { exitCode, stderr } = await runColdpatch({ args: ['appliance', 'build'], environment });
  if (exitCode !== 0) throw new Error(stderr);
  appliance = await openAppliance(imageCacheDirectory);
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'appliance-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Job {
  readonly script: string;
  readonly seconds?: number;
  readonly ioBytesPerSecond?: number;
  readonly signal?: AbortSignal;
}

async function run({ script, seconds = 120, ioBytesPerSecond, signal = new AbortController().signal }: Job) {
  const tree = join(folder, 'tree');
  mkdirSync(tree, { recursive: true });
  writeFileSync(join(tree, 'job.sh'), script);
  const [job, copy, other] = ['job', 'copy', 'other'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  execFileSync('mke2fs', ['-q', '-F', '-t', 'ext4', '-d', tree, job, '8M']);
  for (const path of [copy, other]) writeFileSync(path, Buffer.alloc(1024 * 1024));
  const lines: string[] = [];
  const times = new Map<string, number>();
  const results: string[] = [];
  const exitCode = await withAppliance(
    {
      appliance,
      accelerator: 'tcg',
      memoryMebibytes: 512,
      ioBytesPerSecond,
      startSeconds: 300,
      signal,
      disks: [
        { serial: 'copy', file: { path: copy, format: 'raw' }, writable: true },
        { serial: 'job', file: { path: job, format: 'raw' }, writable: false },
        { serial: 'other', file: { path: other, format: 'raw' }, writable: false },
      ],
    },
    (running) =>
      running.run({
        name: 'job.sh',
        seconds,
        onLine: (line) => {
          lines.push(line);
          times.set(line, performance.now());
        },
        onResult: (words) => results.push(words),
      }),
  );
  return { exitCode, lines, times, results, copy: readFileSync(copy), other: readFileSync(other) };
}

test('the same packages give the same bytes, and a damaged one is not used', async () => {
  const environment = { COLDPATCH_CACHE_DIRECTORY: join(folder, 'cache') };
  const { stdout } = await runColdpatch({ args: ['appliance', 'build', '--json'], environment });
  const manifest = JSON.parse(stdout) as ApplianceManifest;
  expect(manifest).toEqual(appliance.manifest);
  const built = await openAppliance(environment.COLDPATCH_CACHE_DIRECTORY);
  expect(readFileSync(built.initramfs)).toEqual(readFileSync(appliance.initramfs));
  truncateSync(built.initramfs, 1000);
  const missing = { code: 'appliance_missing' };
  await expect(openAppliance(environment.COLDPATCH_CACHE_DIRECTORY)).rejects.toMatchObject(missing);
  await expect(openAppliance(join(folder, 'none'))).rejects.toMatchObject(missing);
});

test('a job says what it likes, has no network, and writes to the one disk that it may write to', async () => {
  const { exitCode, lines, results, copy, other } = await run({
    script: [
      'ls /sys/class/net',
      'for disk in /sys/block/vd*; do',
      '  printf 0123456789abcdef > /dev/$(basename $disk) || true',
      'done',
      'sync',
      'echo "fine words" >&3',
      'head -c 5000 /dev/zero | tr "\\0" x; echo',
      'exit 3',
    ].join('\n'),
  });
  expect(exitCode).toBe(3);
  expect(lines[0]).toBe('lo');
  expect(lines.at(-1)).toBe('x'.repeat(2000));
  expect(results).toEqual(['fine words']);
  expect(copy.toString('latin1', 0, 16)).toBe('0123456789abcdef');
  expect(other).toEqual(Buffer.alloc(1024 * 1024));
});

test('it reads its disks no faster than it may', async () => {
  const { exitCode, times } = await run({
    ioBytesPerSecond: 2 * 1024 ** 2,
    script: [
      'echo begun',
      'for disk in /sys/block/vd*; do',
      '  [ "$(cat $disk/serial)" != job ] || cat /dev/$(basename $disk) > /dev/null',
      'done',
      'echo done',
    ].join('\n'),
  });
  expect(exitCode).toBe(0);
  expect((times.get('done') ?? 0) - (times.get('begun') ?? 0)).toBeGreaterThan(3000);
});

test.each([
  ['ends in the middle', 'appliance_failed', 'poweroff -f; sleep 60'],
  ['panics', 'appliance_failed', 'echo c > /proc/sysrq-trigger; sleep 60'],
  ['never ends', 'appliance_timeout', 'sleep 3600'],
  ['floods the host', 'appliance_failed', 'yes "$(head -c 1900 /dev/zero | tr "\\0" y)"'],
] as const)('an inside that %s ends in %s', async (_, code, script) => {
  const seconds = code === 'appliance_timeout' ? 5 : 240;
  const failure = await run({ script, seconds }).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(ColdpatchError);
  expect((failure as ColdpatchError).code).toBe(code);
});

test('who gives up is heard at once', async () => {
  const abort = new AbortController();
  const reason = new ColdpatchError('interrupted', 'enough');
  setTimeout(() => abort.abort(reason), 1000);
  await expect(run({ script: 'sleep 3600', signal: abort.signal })).rejects.toBe(reason);
});

test('KVM without its device is absent, and one that opens and runs nothing is remembered', async () => {
  const cacheDirectory = join(folder, 'cache');
  mkdirSync(join(cacheDirectory, 'appliance'), { recursive: true });
  const options = { appliance, cacheDirectory, timeoutSeconds: 1, signal: new AbortController().signal };
  const absent = await probeKvm({ ...options, device: join(folder, 'kvm') });
  expect(absent).toMatchObject({ state: 'absent' });
  // Every host of these tests either has no KVM, or answers the same twice.
  const first = await probeKvm(options);
  if (first.state === 'absent') return;
  const begun = performance.now();
  expect(await probeKvm(options)).toEqual(first);
  expect(performance.now() - begun).toBeLessThan(900);
  expect(readFileSync(join(cacheDirectory, 'appliance/kvm.json'), 'utf8')).toContain(first.state);
});
