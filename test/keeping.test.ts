/** Which generations of a machine stay, how much room they may take, and when the next is due. */
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { DueAnswer } from '../src/app/keeping.ts';
import type { MachineVerification } from '../src/app/machine-generations.ts';
import { type CommandResult, runColdpatch } from './support/command-line-fixture.ts';

const megabyte = 1024 * 1024;

let folder: string;

beforeEach(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'keeping-')));
  await addMachine('web');
});
afterEach(() => rmSync(folder, { recursive: true }));

const disk = (name: string): string => join(folder, name, 'disk.raw');

async function addMachine(name: string): Promise<void> {
  mkdirSync(join(folder, name));
  run(name, 'first');
  expect(
    await coldpatch(['machine', 'add', name, '--disk', disk(name), '--image-format', 'raw']),
  ).toMatchObject({
    exitCode: 0,
  });
}

/** The machine writes all of its disk. */
function run(name: string, content: string): void {
  writeFileSync(disk(name), Buffer.alloc(megabyte, content));
}

function coldpatch(args: readonly string[], generations: object = {}): Promise<CommandResult> {
  return runColdpatch({
    args,
    environment: {
      COLDPATCH_STATE_DIRECTORY: join(folder, 'state'),
      COLDPATCH_GENERATIONS: JSON.stringify(generations),
    },
  });
}

async function done(args: readonly string[], generations: object = {}): Promise<string> {
  const { exitCode, stdout, stderr } = await coldpatch(args, generations);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return stdout;
}

const kept = (name: string): readonly string[] =>
  readdirSync(join(folder, 'state', 'machines', name, 'generations')).toSorted();

test('retention is applied after each generation, and never to the last state', async () => {
  const three = { defaults: { keep: 1 }, machines: { web: { keep: 3 } } };
  for (const content of ['a', 'b', 'c']) {
    run('web', content);
    await done(['generations', 'take', 'web'], three);
  }
  expect(kept('web')).toEqual(['1', '2', '3']);
  run('web', 'd');
  expect(await done(['generations', 'take', 'web'], three)).toContain('Deleted, as configured: 1\n');
  expect(kept('web')).toEqual(['2', '3', '4']);
  const bySize = { machines: { web: { maxBytes: 2.5 * megabyte } } };
  run('web', 'e');
  await done(['generations', 'take', 'web'], bySize);
  expect(kept('web')).toEqual(['4', '5']);

  // After a rollback the machine is as in generation 4: what is newer does not push that out.
  await done(['generations', 'rollback', 'web', '--generation', '4']);
  await done(['generations', 'prune', 'web', '--keep', '1']);
  expect(kept('web')).toEqual(['4', '6']);
});

test('work that would go over the budget, or leave too little free, is refused before it is begun', async () => {
  const budget = { machines: { web: { budgetBytes: 2.5 * megabyte } } };
  await done(['generations', 'take', 'web'], budget);
  await done(['generations', 'take', 'web'], budget);
  const refused = await coldpatch(['generations', 'take', 'web'], budget);
  expect(refused).toMatchObject({ exitCode: 3, stdout: '' });
  expect(refused.stderr).toMatch(
    /error generation_budget: .* at most 2621440 bytes, but the 2 kept take 2\d{6}, and the next would take 1\d{6} more/,
  );
  expect(kept('web')).toEqual(['1', '2']);

  const { bavail, bsize } = statfsSync(folder);
  const reserve = { defaults: { reserveBytes: 2 * bavail * bsize } };
  const full = await coldpatch(['generations', 'take', 'web'], reserve);
  expect(full.stderr).toMatch(
    /error host_space: Expected \d+ bytes to stay free in .*, but there are only \d+/,
  );
  const update = await coldpatch(['update', disk('web'), '--trust-image'], reserve);
  expect(update.stderr).toContain('error host_space');
  expect(kept('web')).toEqual(['1', '2']);
});

test('what is due is taken, and one machine that fails does not keep the others from it', async () => {
  for (const name of ['broken', 'daily', 'running']) await addMachine(name);
  const config = { defaults: { everyHours: 24 }, machines: { web: { keep: 2 } } };
  rmSync(disk('broken'));
  const take = (generations: object): Promise<CommandResult> =>
    coldpatch(['generations', 'take', '--all-due', '--json'], generations);
  const io = ['--image-opts', `driver=raw,file.filename=${disk('running')}`];
  const inUse = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    const { spawn } = await import('node:child_process');
    const qemu = spawn('qemu-io', io, { stdio: ['pipe', 'pipe', 'inherit'] });
    const ended = new Promise((resolve) => qemu.on('close', resolve));
    await new Promise((resolve) => {
      qemu.stdout.once('data', resolve);
      qemu.stdin.write('length\n');
    });
    try {
      return await work();
    } finally {
      qemu.kill();
      await ended;
    }
  };
  const first = await inUse(() => take(config));
  expect(first.exitCode).toBe(1);
  expect(JSON.parse(first.stdout) as DueAnswer[]).toMatchObject([
    { machine: 'broken', answer: 'failed', code: 'file_not_found' },
    { machine: 'daily', answer: 'taken', generation: 1 },
    { machine: 'running', answer: 'in_use' },
    { machine: 'web', answer: 'taken', generation: 1 },
  ]);
  const rest = { defaults: { everyHours: 24 } };
  run('broken', 'again');
  const second = await take(rest);
  expect(second.exitCode).toBe(0);
  expect((JSON.parse(second.stdout) as DueAnswer[]).map(({ answer }) => answer)).toEqual([
    'taken',
    'not_due',
    'taken',
    'not_due',
  ]);
  expect(await done(['generations', 'take', '--all-due'])).toContain('No machine has everyHours');
  expect(await done(['generations', 'list', 'web'])).toMatch(/1 .* schedule .* due every 24 h/);
  for (const args of [['take'], ['take', 'web', '--all-due']]) {
    expect((await coldpatch(['generations', ...args])).exitCode).toBe(2);
  }
});

test('what was put back by hand is kept when that is meant, and noticed also when the last state was deleted', async () => {
  await done(['generations', 'take', 'web']);
  run('web', 'second');
  await done(['generations', 'take', 'web']);
  await done(['generations', 'delete', 'web', '2']);
  expect(await done(['generations', 'list', 'web'])).not.toContain('found:');
  run('web', 'first');
  const notice = /the whole machine was put back by hand to generation 1/;
  const list = await coldpatch(['generations', 'list', 'web']);
  expect(list).toMatchObject({ exitCode: 4, stdout: expect.stringMatching(notice) as string });
  // A second look reads nothing again, and says the same; with JSON, beside it.
  expect(await coldpatch(['generations', 'list', 'web', '--json'])).toMatchObject({
    exitCode: 4,
    stderr: expect.stringMatching(notice) as string,
  });
  expect(await coldpatch(['update', disk('web'), '--trust-image'])).toMatchObject({
    exitCode: 3,
    stderr: expect.stringContaining('error machine_put_back') as string,
  });
  const accepted = await done(['generations', 'take', 'web', '--accept-put-back']);
  expect(accepted).toMatch(notice);
  const verified = JSON.parse(await done(['generations', 'verify', 'web', '--json'])) as MachineVerification;
  expect(verified.present.findings).toEqual([]);
  expect(await done(['generations', 'show', 'web', '3'])).toMatch(
    /found when it was taken: the whole machine/,
  );
});
