/** Generations of machines that run: real QEMU, swtpm and guest agent, a guest that counts on two disks and in its TPM. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { startProgram } from '../src/lib/start-program.ts';
import type { Machine } from '../src/machines/definitions/machine.ts';
import { connectQmp, nothing } from '../src/machines/hypervisors/qemu/qmp.ts';
import type { Manifest } from '../src/machines/machine-generations/manifest.ts';
import type { runningSteps } from '../src/machines/machine-generations/steps.ts';
import { type CommandResult, runColdpatch } from './support/command-line-fixture.ts';
import {
  counterName,
  type CountingGuest,
  type CountingPaths,
  makeCountingInitramfs,
  makeCountingMachine,
  needsRecovery,
  readCounters,
  startCountingGuest,
} from './support/counting-guest.ts';

/** QEMU and swtpm run as nobody in particular. */
const user = 64_055;
const megabyte = 1024 * 1024;

/** With the nodes made, with the guest frozen, paused, with the jobs begun, and with nothing but them left. */
const killedAt: readonly (typeof runningSteps)[number][] = [
  'run_readied',
  'run_frozen',
  'run_paused',
  'run_copied',
  'run_copying',
];

let folder: string;
let mounted: string;
let initramfs: string;
let paths: CountingPaths;
let guest: CountingGuest;

beforeAll(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'running-')));
  for (const path of [tmpdir(), folder]) chmodSync(path, 0o755);
  // Reflinks on the first filesystem, and none on the second.
  mounted = join(folder, 'xfs');
  const disk = join(folder, 'xfs.img');
  writeFileSync(disk, '');
  truncateSync(disk, 320 * megabyte);
  execFileSync('mkfs.xfs', ['-q', '-m', 'reflink=1', disk]);
  mkdirSync(mounted);
  execFileSync('mount', ['-o', 'loop', disk, mounted], { timeout: 120_000 });
  const [home, run] = [join(folder, 'home'), join(folder, 'run')];
  for (const path of [home, run]) mkdirSync(path, { mode: 0o755 });
  initramfs = makeCountingInitramfs(folder);
  paths = await makeCountingMachine(home, 'qcow2', mounted);
  guest = await startCountingGuest({ paths, directory: run, initramfs, agent: true, user });
  await done('machine', 'add', 'web', '--qmp', guest.qmp, '--agent', guest.agent, '--tpm', paths.tpm);
}, 200_000);

afterAll(async () => {
  await guest.stop();
  execFileSync('umount', [mounted]);
  rmSync(folder, { recursive: true });
});

function coldpatch(args: readonly string[], crashAt?: string): Promise<CommandResult> {
  return runColdpatch({
    args,
    environment: {
      COLDPATCH_STATE_DIRECTORY: join(folder, 'state'),
      ...(crashAt !== undefined && { COLDPATCH_TEST: '1', COLDPATCH_CRASH_AT: crashAt }),
    },
  });
}

async function done(...args: readonly string[]): Promise<string> {
  const result = await coldpatch(args);
  expect(result.stderr).toBe('');
  expect(result.exitCode).toBe(0);
  return result.stdout;
}

interface Taken {
  readonly generation: number;
  readonly copied: readonly string[];
  readonly pauseSeconds: number;
  readonly manifest: Manifest;
}

async function take(...args: readonly string[]): Promise<Taken> {
  return JSON.parse(await done('generations', 'take', 'web', '--json', ...args)) as Taken;
}

function keptDirectories(generation: number): { readonly first: string; readonly second: string } {
  const of = (beside: string): string => {
    const [id = ''] = readdirSync(join(beside, '.coldpatch-machines'));
    return join(beside, '.coldpatch-machines', id, String(generation));
  };
  return { first: of(mounted), second: of(join(folder, 'home')) };
}

/** The order of the guest: first disk, TPM, second disk, third disk. One was added to the TPM's counter before. */
function expectOneMoment({ generation, manifest }: Taken): number {
  const kept = keptDirectories(generation);
  const disks = {
    first: join(kept.first, 'disk0'),
    second: join(kept.second, 'disk1'),
    third: join(kept.second, 'disk2'),
  };
  const { first, second, third } = readCounters(disks, folder);
  const order = [first, Number(manifest.vtpm?.counters.nv[counterName]) - 1, second, third];
  expect(third).toBeGreaterThan(0);
  expect(order).toEqual(order.toSorted((one, other) => other - one));
  expect(first - third).toBeLessThanOrEqual(1);
  return third;
}

const statusSchema = z.object({ status: z.string() });

/** What QEMU has open, does, and whether the guest runs. */
async function stateOfQemu() {
  using qmp = await connectQmp(guest.qmp);
  if (!qmp) throw new Error('Expected a running QEMU.');
  const nodes = await qmp.execute(
    'query-named-block-nodes',
    z.array(z.object({ 'node-name': z.string(), file: z.string() })),
    { arguments: { flat: true } },
  );
  return {
    ...(await qmp.execute('query-status', statusSchema)),
    nodes: nodes.map((node) => `${node['node-name']} ${node.file}`).toSorted(),
    jobs: await qmp.execute('query-jobs', z.array(z.unknown())),
  };
}

test('a machine read from its monitor is that of its QEMU', async () => {
  const machine = JSON.parse(await done('machine', 'show', 'web', '--json')) as Machine;
  expect(machine).toMatchObject({
    disks: [
      { path: paths.first, format: 'raw' },
      { path: paths.second, format: 'qcow2' },
      { path: paths.third, format: 'raw' },
    ],
    vtpm: { path: paths.tpm },
    uefiVariables: { path: paths.variables },
    monitor: { qmp: guest.qmp, agent: guest.agent },
  });
  expect(await coldpatch(['machine', 'add', 'other', '--qmp', guest.qmp])).toMatchObject({
    exitCode: 3,
    stderr: expect.stringContaining('name it with --tpm') as string,
  });
});

test('a generation is of one moment, with frozen filesystems, and leaves QEMU as it was', async () => {
  const before = await stateOfQemu();
  const taken = await take();
  expect(taken.copied).toEqual(['reflink', 'backup', 'backup']);
  // Open to QEMU's user only as long as it copied.
  const { second } = keptDirectories(taken.generation);
  expect([second, dirname(second)].map((path) => statSync(path).mode & 0o777)).toEqual([0o700, 0o700]);
  expect(taken.manifest.running).toMatchObject({ quiescence: 'frozen', pauseSeconds: taken.pauseSeconds });
  expect(taken.pauseSeconds).toBeGreaterThan(0);
  expect(taken.pauseSeconds).toBeLessThan(5);
  expectOneMoment(taken);
  const kept = keptDirectories(taken.generation);
  expect(needsRecovery(join(kept.second, 'disk1'), folder)).toBe(false);
  expect(execFileSync('qemu-img', ['check', '-f', 'qcow2', join(kept.second, 'disk1')]).toString()).toContain(
    'No errors',
  );
  // The room that was taken for holes is given back.
  expect(statSync(join(kept.second, 'disk2')).blocks * 512).toBeLessThan(megabyte);
  expect(await stateOfQemu()).toEqual(before);
  await guest.countsOn();
  // Without an agent the filesystem is as after a power cut.
  const unfrozen = await take('--qmp', guest.qmp);
  expect(unfrozen.manifest.running?.quiescence).toBe('no_agent');
  expectOneMoment(unfrozen);
  expect(needsRecovery(join(keptDirectories(unfrozen.generation).second, 'disk1'), folder)).toBe(true);
  // Whatever else needs a machine that is off is refused.
  for (const command of ['rollback', 'verify']) {
    expect(await coldpatch(['generations', command, 'web'])).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining('image_in_use') as string,
    });
  }
});

test('killed at any moment, the guest runs again and QEMU is as it was', async () => {
  const before = await stateOfQemu();
  const numbers = await done('generations', 'list', 'web');
  for (const step of killedAt) {
    const killed = await coldpatch(['generations', 'take', 'web'], step);
    expect([step, killed.signal]).toEqual([step, 'SIGKILL']);
    await untilGuardsEnd();
    expect([step, (await stateOfQemu()).status]).toEqual([step, 'running']);
  }
  await guest.countsOn();
  expect(await done('generations', 'list', 'web')).toBe(numbers);
  expect(await stateOfQemu()).toEqual(before);
  // When its guard is killed as well, the next run does it.
  const killing = coldpatch(['generations', 'take', 'web'], 'run_copied');
  while (!existsSync(join(folder, 'state/machines/web/intent.json'))) await delay(2);
  for (const pid of guards()) process.kill(pid, 'SIGKILL');
  await killing;
  expect((await stateOfQemu()).status).toBe('paused');
  expect(await done('generations', 'list', 'web')).toBe(numbers);
  expect(await stateOfQemu()).toEqual(before);
  await guest.countsOn();
});

test('a monitor that is not of this machine is refused', async () => {
  const refused = async (words: string, ...args: readonly string[]): Promise<void> => {
    const result = await coldpatch(['generations', 'take', ...args]);
    expect(result).toMatchObject({ exitCode: 3, stderr: expect.stringContaining(words) as string });
  };
  const socket = join(folder, 'foreign');
  const foreign = await startProgram({
    file: 'qemu-system-x86_64',
    args: ['-machine', 'none', '-display', 'none', '-qmp', `unix:${socket},server=on,wait=off`],
    ready: { poll: () => Promise.resolve(readdirSync(folder).includes('foreign')) },
    startTimeoutSeconds: 60,
  });
  try {
    await refused('is not a socket of process', 'web', '--qmp', socket);
  } finally {
    await foreign.stop('SIGKILL');
  }
  // Nobody listens any more: so the machine is taken for one that is off, and its locks say that it is not.
  await refused('image_in_use', 'web', '--qmp', socket);
  await refused('machine_unreachable', 'web', '--memory', '--qmp', socket);
  // A definition with less than the machine has.
  const state = join(folder, 'lesser-state');
  const lesser = (args: readonly string[]): Promise<CommandResult> =>
    runColdpatch({ args, environment: { COLDPATCH_STATE_DIRECTORY: state } });
  await lesser(['machine', 'add', 'lesser', '--disk', paths.first, '--tpm', paths.tpm, '--qmp', guest.qmp]);
  expect(await lesser(['generations', 'take', 'lesser'])).toMatchObject({
    exitCode: 3,
    stderr: expect.stringMatching(/machine_differs.* writes to /) as string,
  });
  await lesser(['machine', 'remove', 'lesser']);
});

test('with its memory, the guest goes on where it was', async () => {
  const killed = await coldpatch(['generations', 'take', 'web', '--memory'], 'run_remembered');
  expect(killed.signal).toBe('SIGKILL');
  await untilGuardsEnd();
  await guest.countsOn();
  const taken = await take('--memory');
  expect(taken.copied).toEqual(['reflink', 'copy', 'copy']);
  expect(taken.manifest.running?.quiescence).toBe('in_memory');
  const number = expectOneMoment(taken);
  await guest.countsOn();
  await guest.stop();
  const words = await done('generations', 'rollback', 'web', '--generation', String(taken.generation));
  const [, memory = ''] = /Its memory is in (\S+):/.exec(words) ?? [];
  const run = join(folder, 'again');
  mkdirSync(run);
  const copy = join(run, 'copy-of-memory');
  execFileSync('cp', [memory, copy]);
  chmodSync(copy, 0o644);
  guest = await startCountingGuest({ paths, directory: run, initramfs, agent: true, user, incoming: copy });
  await untilResumed();
  await guest.countsOn();
  // A guest that had started anew would have said other things first, and one with another TPM would count there from elsewhere.
  expect(readFileSync(join(run, 'console'), 'latin1')).not.toContain('ima:');
  expect(guest.counted()).toBeGreaterThan(number);
  expect(guest.counted()).toBeLessThan(number + 100);
  // This guest writes the same bytes again when it counts on from where it was, which no real one does.
  expectOneMoment(await take('--qmp', guest.qmp, '--accept-put-back'));
}, 200_000);

async function untilResumed(): Promise<void> {
  using qmp = await connectQmp(guest.qmp);
  for (;;) {
    const { status } = (await qmp?.execute('query-status', statusSchema)) ?? { status: 'off' };
    if (status === 'running') return;
    if (status === 'paused' || status === 'prelaunch') await qmp?.execute('cont', nothing);
    await delay(50);
  }
}

/** Processes that let the machine of this test go when coldpatch is killed. */
function guards(): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('release-guard-program');
      } catch {
        return false;
      }
    })
    .map(Number);
}

async function untilGuardsEnd(): Promise<void> {
  while (guards().length > 0) await delay(20);
}
