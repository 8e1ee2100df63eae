import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { MachineVerification } from '../src/app/machine-generations.ts';
import { hostStateOf, openHostState } from '../src/machines/definitions/host-state.ts';
import { readMachine } from '../src/machines/definitions/read-machine.ts';
import { holdMachine } from '../src/machines/machine-generations/hold-machine.ts';
import { cleanMachine, findMachineLeftovers } from '../src/machines/host/machine-leftovers.ts';
import { logEvent, readLog } from '../src/machines/machine-generations/log.ts';
import { rollBackMachine } from '../src/machines/machine-generations/roll-back-machine.ts';
import { rollingBackSteps, takingSteps } from '../src/machines/machine-generations/steps.ts';
import { takeGeneration } from '../src/machines/machine-generations/take-generation.ts';
import { withMachine } from '../src/machines/machine-generations/with-machine.ts';
import { openServiceKey } from '../src/machines/signing/service-key.ts';
import { type CommandResult, runColdpatch } from './support/command-line-fixture.ts';
import { endHolders } from './support/end-holders.ts';
import { counterIndex, sealSecret, unsealSecret, withTpm } from './support/tpm-session.ts';

const megabyte = 1024 * 1024;
const secret = 'the key of the disk';

let folder: string;
let tools: string;
let paths: { readonly disk: string; readonly data: string; readonly tpm: string; readonly variables: string };

beforeEach(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'machines-')));
  tools = join(folder, 'tpm2-tools');
  mkdirSync(tools);
});
afterEach(() => rmSync(folder, { recursive: true }));

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

async function verified(): Promise<MachineVerification & { readonly exitCode: number }> {
  const { stdout, stderr, exitCode } = await coldpatch(['generations', 'verify', 'web', '--json']);
  expect(stderr).toBe('');
  return { ...(JSON.parse(stdout) as MachineVerification), exitCode };
}

async function numbers(): Promise<readonly number[]> {
  const list = JSON.parse(await done('generations', 'list', 'web', '--json')) as {
    readonly number: number;
    readonly answer: string;
  }[];
  expect(list.filter(({ answer }) => answer !== 'complete')).toEqual([]);
  return list.map(({ number }) => number);
}

/** A machine with two disks, UEFI variables and a real vTPM that has sealed a secret; the disk holds the sealed form. */
async function addMachine(places: Partial<Record<keyof typeof paths, string>> = {}): Promise<void> {
  paths = {
    disk: join(places.disk ?? folder, 'web.img'),
    data: join(places.data ?? folder, 'data.qcow2'),
    tpm: join(places.tpm ?? folder, 'tpm'),
    variables: join(places.variables ?? folder, 'vars.fd'),
  };
  mkdirSync(paths.tpm, { recursive: true });
  const sealed = await withTpm(`dir=${paths.tpm}`, tools, (tpm2) => sealSecret(tpm2, tools, secret));
  writeFileSync(paths.disk, sealed);
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', paths.data, '20M']);
  writeFileSync(paths.variables, Buffer.alloc(528 * 1024, 'variables'));
  await done(
    'machine',
    'add',
    'web',
    `--disk=${paths.disk}`,
    `--disk=${paths.data}`,
    `--tpm=${paths.tpm}`,
    `--uefi-vars=${paths.variables}`,
  );
}

/** The machine runs: it writes to its disks, and counts in its vTPM. */
async function runMachine(content: string): Promise<void> {
  await withTpm(`dir=${paths.tpm}`, tools, (tpm2) => tpm2('nvincrement', '-C', 'o', counterIndex));
  writeFileSync(paths.disk, Buffer.alloc(megabyte, content));
  execFileSync('qemu-io', ['-f', 'qcow2', '-c', `write -P ${content.length} 0 64k`, paths.data]);
  writeFileSync(paths.variables, Buffer.alloc(528 * 1024, content));
}

function unsealed(): Promise<string> {
  return withTpm(`dir=${paths.tpm}`, tools, (tpm2) => unsealSecret(tpm2, tools, readFileSync(paths.disk)));
}

const permanent = (): string => join(paths.tpm, 'tpm2-00.permall');
const memberPaths = (): readonly string[] => [paths.disk, paths.data, paths.variables, permanent()];
const contents = (): readonly (string | undefined)[] =>
  memberPaths().map((path) => (existsSync(path) ? readFileSync(path).toString('latin1') : undefined));

describe('a machine with a vTPM', () => {
  beforeEach(() => addMachine());

  test('unseals its secret again after a rollback, and says what went backwards', async () => {
    await done('generations', 'take', 'web', '--reason', 'before the change');
    const before = contents();
    await runMachine('changed');
    await expect(unsealed()).rejects.toThrow(/tpm2_load/);
    const changed = readFileSync(paths.disk);
    writeFileSync(paths.disk, Buffer.from(before[0] ?? '', 'latin1'));
    await expect(unsealed()).rejects.toThrow(/tpm2_policynv/);
    writeFileSync(paths.disk, changed);
    const after = contents();
    const text = await done('generations', 'rollback', 'web');
    expect(text).toContain('kept as generation 2');
    expect(text).toMatch(/counter "nv 1500016" go back from 3 to 2/);
    expect(contents()).toEqual(before);
    expect(await unsealed()).toBe(secret);
    // One disk alone does not go back.
    const alone = await coldpatch(['rollback', paths.disk]);
    expect(alone).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining('image_of_machine') as string,
    });
    // What was rolled back from is a generation like any other.
    await done('generations', 'rollback', 'web', '--generation', '2');
    expect(contents()).toEqual(after);
    expect(await numbers()).toEqual([1, 2, 3]);
  });

  test('that only ran is in order; one put back in part by hand is noticed', async () => {
    const saved = join(folder, 'saved');
    mkdirSync(saved);
    await done('generations', 'take', 'web');
    for (const [index, path] of memberPaths().entries()) copyFileSync(path, join(saved, String(index)));
    await runMachine('second');
    await done('generations', 'take', 'web');
    await runMachine('third');
    expect(await verified()).toMatchObject({ exitCode: 0, present: { findings: [] } });

    const third = readFileSync(paths.disk);
    copyFileSync(join(saved, '0'), paths.disk);
    expect(await verified()).toMatchObject({
      exitCode: 4,
      present: {
        findings: [
          expect.stringMatching(/^disk0 .* was put back by hand to generation 1, without/) as string,
        ],
      },
    });
    writeFileSync(paths.disk, third);

    const newer = readFileSync(permanent());
    copyFileSync(join(saved, '3'), permanent());
    const { present } = await verified();
    expect(present.findings).toEqual([
      expect.stringMatching(/^tpm2-00.permall .* was put back by hand to generation 1/) as string,
      expect.stringMatching(/older than generation 2, or was cleared: its counter "resets"/) as string,
      expect.stringMatching(
        /older than generation 2, or was cleared: its counter "nv 1500016" went from 3 to 2/,
      ) as string,
    ]);
    writeFileSync(permanent(), newer);

    for (const [index, path] of memberPaths().entries()) copyFileSync(join(saved, String(index)), path);
    expect((await verified()).present.findings[0]).toMatch(
      /^the whole machine was put back by hand to generation 1/,
    );
  });

  test('an older state of the vTPM that is in no generation is known by its counters', async () => {
    copyFileSync(permanent(), join(folder, 'older'));
    await runMachine('second');
    await done('generations', 'take', 'web');
    copyFileSync(join(folder, 'older'), permanent());
    const { present, exitCode } = await verified();
    expect(exitCode).toBe(4);
    expect(present.findings.join()).toMatch(/counter "nv 1500016" went from 3 to 2/);
  });

  test('is neither taken nor rolled back while its vTPM or a disk is in use, and cannot be started while it is held', async () => {
    await done('generations', 'take', 'web');
    await withTpm(`dir=${paths.tpm}`, tools, async () => {
      for (const command of ['take', 'rollback']) {
        expect(await coldpatch(['generations', command, 'web'])).toMatchObject({
          exitCode: 3,
          stderr: expect.stringContaining('image_in_use') as string,
        });
        expect(readdirSync(join(folder, 'state', 'machines', 'web'))).not.toContain('intent.json');
      }
    });
    const qemu = spawn('qemu-io', ['-f', 'qcow2', paths.data], { stdio: ['pipe', 'pipe', 'inherit'] });
    qemu.stdin.write('length\n');
    await once(createInterface({ input: qemu.stdout }), 'line');
    const refused = await coldpatch(['generations', 'take', 'web']);
    expect(refused.stderr).toContain(paths.data);
    const ended = once(qemu, 'close');
    qemu.kill();
    await ended;
    expect(await numbers()).toEqual([1]);

    const machine = await readMachine(hostStateOf(join(folder, 'state')), 'web');
    await using hold = await holdMachine(machine);
    await expect(withTpm(`dir=${paths.tpm}`, tools, () => undefined)).rejects.toThrow(/lock access/);
    expect(() => execFileSync('qemu-io', ['-f', 'raw', '-c', 'write 0 512', paths.variables])).toThrow(
      /lock/,
    );
    await hold.release();
    await withTpm(`dir=${paths.tpm}`, tools, () => undefined);
  });

  test('stays as it is, without a new generation, when the program that holds it is ended', async () => {
    await done('generations', 'take', 'web');
    await runMachine('second');
    const before = contents();
    const options = { reserve: 0n, now: () => new Date() };
    const endHoldersAt = (when: string) => (step: string) => {
      if (step === when) endHolders();
    };
    await withMachine(join(folder, 'state'), 'web', options, async (context) => {
      const take = takeGeneration(context, {
        ...options,
        cause: 'request',
        reason: '',
        onStep: endHoldersAt('take_copied'),
      });
      await expect(take).rejects.toMatchObject({ code: 'image_changed' });
      const back = rollBackMachine(context, { ...options, onStep: endHoldersAt('back_described') });
      await expect(back).rejects.toMatchObject({ code: 'image_changed' });
    });
    expect(contents()).toEqual(before);
    expect(await numbers()).toEqual([1]);
    expect(await verified()).toMatchObject({ exitCode: 0, present: { findings: [] } });
  });

  test('a vTPM whose state is empty or cut is refused, and a rollback repairs it', async () => {
    await done('generations', 'take', 'web');
    const whole = readFileSync(permanent());
    for (const size of [0, 700]) {
      truncateSync(permanent(), size);
      expect(await coldpatch(['generations', 'take', 'web'])).toMatchObject({
        exitCode: 3,
        stderr: expect.stringContaining('vtpm_broken') as string,
      });
    }
    expect((await verified()).exitCode).toBe(4);
    await done('generations', 'rollback', 'web');
    expect(readFileSync(permanent())).toEqual(whole);
    expect(await unsealed()).toBe(secret);
    const list = await done('generations', 'list', 'web');
    expect(list).toContain('broken machine');
    const kept = await coldpatch(['generations', 'rollback', 'web', '--generation', '4']);
    expect(kept.stderr).toContain('generation_altered');
  });

  test('a generation with a missing, extra, altered or foreign member is refused', async () => {
    await done('generations', 'take', 'web');
    await runMachine('second');
    await done('generations', 'take', 'web');
    const before = contents();
    const kept = join(folder, 'state', 'machines', 'web', 'generations');
    const [id = ''] = readdirSync(join(folder, '.coldpatch-machines'));
    const disks = join(folder, '.coldpatch-machines', id);
    const refused = async (change: () => void, words: RegExp): Promise<void> => {
      const saved = join(folder, 'saved');
      for (const path of [kept, disks]) execFileSync('cp', ['-a', path, `${saved}-${path === kept ? 1 : 2}`]);
      change();
      const result = await coldpatch(['generations', 'rollback', 'web', '--generation', '1']);
      expect(result.stderr).toMatch(words);
      expect(result.exitCode).toBe(3);
      expect(contents()).toEqual(before);
      expect((await verified()).exitCode).toBe(4);
      for (const path of [kept, disks]) {
        rmSync(path, { recursive: true });
        execFileSync('mv', [`${saved}-${path === kept ? 1 : 2}`, path]);
      }
    };
    await refused(() => rmSync(join(kept, '1', 'uefi-variables')), /uefi-variables is missing/);
    await refused(() => writeFileSync(join(disks, '1', 'disk7'), ''), /disk7 .* does not belong to it/);
    await refused(() => writeFileSync(join(disks, '1', 'disk0'), Buffer.alloc(megabyte)), /SHA-256/);
    await refused(() => appendFileSync(join(kept, '1', 'tpm2-00.permall'), 'x'), /bytes instead of/);
    await refused(() => {
      copyFileSync(join(kept, '2', 'tpm2-00.permall'), join(kept, '1', 'tpm2-00.permall'));
    }, /SHA-256|bytes instead of/);
    await refused(() => {
      copyFileSync(join(kept, '2', 'manifest.dsse.json'), join(kept, '1', 'manifest.dsse.json'));
    }, /manifest is that of generation 2/);
    await refused(() => {
      const path = join(kept, '1', 'manifest.dsse.json');
      const envelope = JSON.parse(readFileSync(path, 'utf8')) as { payload: string };
      const changed = Buffer.from(envelope.payload, 'base64').toString().replace('"request"', '"rollback"');
      writeFileSync(path, JSON.stringify({ ...envelope, payload: Buffer.from(changed).toString('base64') }));
    }, /not signed by an accepted key/);
    rmSync(join(kept, '1'), { recursive: true });
    expect(await coldpatch(['generations', 'rollback', 'web', '--generation', '1'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('generation_unknown') as string,
    });
    expect((await verified()).exitCode).toBe(4);
  });

  test('a log that was cut or changed stops everything', async () => {
    await done('generations', 'take', 'web');
    await done('generations', 'take', 'web');
    const path = join(folder, 'state', 'generations.log');
    const log = readFileSync(path, 'utf8');
    const lines = log.trimEnd().split('\n');
    const broken = [
      `${lines[1]}\n`,
      log.replace('"event":"taken"', '"event":"deleted"'),
      `${log}${lines[1]}\n`,
    ];
    for (const text of broken) {
      writeFileSync(path, text);
      expect((await coldpatch(['generations', 'list', 'web'])).stderr).toContain('generation_log_broken');
    }
    // Without its last line, the generation that it named is foreign.
    writeFileSync(path, `${lines[0]}\n`);
    expect(await done('generations', 'list', 'web')).toContain('the log of generations does not name it');
    // An unfinished line is what a power cut leaves.
    writeFileSync(path, `${log}half a line`);
    await done('generations', 'take', 'web');
    expect(await numbers()).toEqual([1, 2, 3]);
  });

  test('a log that finds no room for a whole line is as before', async () => {
    const mounted = join(folder, 'small');
    mkdirSync(mounted);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k,mode=700', 'tmpfs', mounted]);
    try {
      const host = await openHostState(mounted);
      const key = await openServiceKey(host);
      const log = async (generation: number): Promise<void> =>
        logEvent(host, key, {
          at: new Date().toISOString(),
          machine: '7c9e6679-7425-40de-944b-e07fc1f90ae7',
          name: 'web',
          event: 'taken',
          generation,
          manifest: 'ab'.repeat(32),
          kept: null,
        });
      // The next line begins in one page and ends in another.
      const page = 4096;
      let generation = 0;
      for (let size = 0; page - (size % page) > 300; size = statSync(host.log).size)
        await log((generation += 1));
      const before = readFileSync(host.log);
      const filler = join(mounted, 'filler');
      expect(() => writeFileSync(filler, Buffer.alloc(megabyte))).toThrow(/ENOSPC/);
      await expect(log(generation + 1)).rejects.toMatchObject({ code: 'host_space' });
      expect(readFileSync(host.log)).toEqual(before);
      rmSync(filler);
      await log(generation + 1);
      expect((await readLog(host, key.publicKey)).entries.length).toBe(generation + 1);
    } finally {
      execFileSync('umount', [mounted]);
    }
  });

  test('a generation that was deleted and put back by hand is refused, and its number does not come again', async () => {
    const state = join(folder, 'state', 'machines', 'web');
    const container = join(folder, '.coldpatch-machines');
    await done('generations', 'take', 'web');
    execFileSync('cp', ['-a', state, join(folder, 'backup')]);
    await runMachine('second');
    await done('generations', 'take', 'web');
    const [id = ''] = readdirSync(container);
    const parts = [join(state, 'generations', '2'), join(container, id, '2')];
    for (const [index, path] of parts.entries())
      execFileSync('cp', ['-a', path, join(folder, `saved-${index}`)]);
    await done('generations', 'delete', 'web', '2');
    for (const [index, path] of parts.entries()) execFileSync('mv', [join(folder, `saved-${index}`), path]);
    expect(await coldpatch(['generations', 'rollback', 'web', '--generation', '2'])).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining('the log says that it was deleted') as string,
    });
    await done('generations', 'delete', 'web', '2');
    expect(await numbers()).toEqual([1]);
    // The machine's directory comes from a backup, the log does not.
    rmSync(state, { recursive: true });
    execFileSync('mv', [join(folder, 'backup'), state]);
    await done('generations', 'take', 'web');
    expect(await numbers()).toEqual([1, 3]);
  });

  test('generations are compared, deleted and their numbers never used again', async () => {
    await done('generations', 'take', 'web');
    await runMachine('second');
    await done('generations', 'take', 'web');
    const diff = await done('generations', 'diff', 'web', '1', '2');
    expect(diff).toMatch(/nv 1500016 +changed +2 +3/);
    expect(await done('generations', 'diff', 'web', '2', '1')).toMatch(/nv 1500016 +went back +3 +2/);
    expect(await coldpatch(['machine', 'remove', 'web'])).toMatchObject({ exitCode: 3 });
    await done('generations', 'delete', 'web', '2');
    await done('generations', 'take', 'web');
    expect(await numbers()).toEqual([1, 3]);
    await done('generations', 'delete', 'web', '--all');
    await done('machine', 'remove', 'web');
    expect(readdirSync(join(folder, 'state', 'machines'))).toEqual([]);
    expect(readdirSync(folder)).not.toContain('.coldpatch-machines');
  });
});

test('nothing counts as taken away while a directory of the machine is missing', async () => {
  const data = join(folder, 'data');
  mkdirSync(data);
  await addMachine({ data });
  expect((await coldpatch(['generations', 'take', 'web'], 'take_copied')).signal).toBe('SIGKILL');
  renameSync(data, join(folder, 'elsewhere'));
  expect((await coldpatch(['generations', 'list', 'web'])).stderr).toMatch(
    /file_not_found.*mount its filesystem/,
  );
  renameSync(join(folder, 'elsewhere'), data);
  expect(await numbers()).toEqual([]);
  expect(readdirSync(data)).toEqual(['data.qcow2']);
});

describe('killed at any moment, on three filesystems', () => {
  let mounts: readonly string[];

  function mountLoop(name: string, megabytes: number, make: readonly [string, ...string[]]): string {
    const [disk, mounted] = [join(folder, `${name}.img`), join(folder, name)];
    writeFileSync(disk, '');
    truncateSync(disk, megabytes * megabyte);
    execFileSync(make[0], [...make.slice(1), disk]);
    mkdirSync(mounted);
    execFileSync('mount', ['-o', 'loop', disk, mounted]);
    return mounted;
  }

  beforeEach(async () => {
    const xfs = mountLoop('xfs', 400, ['mkfs.xfs', '-q', '-K', '-m', 'reflink=1']);
    const ext4 = mountLoop('ext4', 64, ['mkfs.ext4', '-q']);
    const memory = join(folder, 'memory');
    mkdirSync(memory);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', memory]);
    mounts = [xfs, ext4, memory];
    await addMachine({ disk: xfs, data: ext4, tpm: join(memory, 'tpm'), variables: ext4 });
  });
  afterEach(() => {
    for (const mounted of mounts) execFileSync('umount', [mounted]);
  });

  /** Nothing is left but the members, whole generations and what every machine has. */
  function expectTidy(generations: readonly number[]): void {
    const state = join(folder, 'state', 'machines', 'web');
    const always = ['counter', 'held-back', 'last-manifest.dsse.json', 'noticed.json'];
    const names = readdirSync(state).filter((name) => !always.includes(name));
    expect(names.toSorted()).toEqual(['generations', 'lock', 'machine.json', 'work']);
    expect(readdirSync(join(state, 'work'))).toEqual([]);
    const expected = generations.map(String);
    expect(readdirSync(join(state, 'generations')).toSorted()).toEqual(expected);
    for (const directory of [join(paths.disk, '..'), join(paths.data, '..'), paths.tpm]) {
      const container = join(directory, '.coldpatch-machines');
      const [id] = existsSync(container) ? readdirSync(container) : [];
      const found = id === undefined ? [] : readdirSync(join(container, id)).toSorted();
      expect(found).toEqual(directory === paths.tpm ? [] : expected);
    }
    expect(readdirSync(paths.tpm).toSorted()).toEqual(['.lock', 'tpm2-00.permall']);
  }

  test('a generation is whole or was never there', async () => {
    const before = contents();
    let expected: readonly number[] = [];
    for (const [index, step] of takingSteps.entries()) {
      expect((await coldpatch(['generations', 'take', 'web'], step)).signal).toBe('SIGKILL');
      expect(contents()).toEqual(before);
      if (index >= takingSteps.indexOf('take_kept')) expected = [...expected, index + 1];
      expect(await numbers()).toEqual(expected);
      expectTidy(expected);
    }
    expect((await verified()).exitCode).toBe(0);
  });

  test('a rollback leaves the old state or the new one, and nothing that could be started in between', async () => {
    await done('generations', 'take', 'web');
    const old = contents();
    await runMachine('changed');
    const present = contents();
    const committed = rollingBackSteps.indexOf('back_committed');
    for (const [index, step] of rollingBackSteps.entries()) {
      const run = await coldpatch(['generations', 'rollback', 'web', '--generation', '1'], step);
      expect([step, run.signal]).toEqual([step, 'SIGKILL']);
      const [disk, ...others] = contents();
      if (disk !== undefined) expect([present, old]).toContainEqual([disk, ...others]);
      else expect(['back_taken_away', 'back_member']).toContain(step);
      // A recovery that is killed too is repeated.
      await coldpatch(['generations', 'list', 'web'], 'back_member');
      await coldpatch(['generations', 'list', 'web'], 'back_replaced');
      const kept = await numbers();
      expect(contents()).toEqual(index < committed ? present : old);
      expect(kept.length).toBe(index < committed ? 1 : 2);
      expectTidy(kept);
      if (index < committed) continue;
      expect((await verified()).exitCode).toBe(0);
      await done('generations', 'rollback', 'web', '--generation', String(kept.at(-1)));
      expect(contents()).toEqual(present);
      const [, ...left] = await numbers();
      await done('generations', 'delete', 'web', ...left.map(String));
    }
    await done('generations', 'rollback', 'web', '--generation', '1');
    expect(await unsealed()).toBe(secret);
  });

  /** A rollback from `present` to `old`, killed at a step. */
  async function killRollBack(step: string) {
    await done('generations', 'take', 'web');
    const old = contents();
    await runMachine('changed');
    const present = contents();
    const run = await coldpatch(['generations', 'rollback', 'web', '--generation', '1'], step);
    expect(run.signal).toBe('SIGKILL');
    return { old, present };
  }

  /** What the killed run prepared, beside the member at a path. */
  function preparedBeside(path: string, name: string): string {
    const container = join(path, '..', '.coldpatch-machines');
    return join(container, readdirSync(container)[0] ?? '', name);
  }

  test('a machine that was started before its first disk lost its name keeps what it wrote', async () => {
    await killRollBack('back_committed');
    await runMachine('started instead');
    const started = contents();
    expect(await numbers()).toEqual([1]);
    expect(contents()).toEqual(started);
    expectTidy([1]);
  });

  test('a machine that was started after its first disk was in place keeps what it wrote', async () => {
    const volatile = join(paths.tpm, 'tpm2-00.volatilestate');
    await done('generations', 'take', 'web');
    writeFileSync(volatile, 'of before');
    expect((await coldpatch(['generations', 'rollback', 'web'], 'back_replaced')).signal).toBe('SIGKILL');
    expect(existsSync(volatile)).toBe(false);
    await runMachine('started since');
    // swtpm replaces its state by a rename, and keeps more of it at times.
    copyFileSync(permanent(), join(paths.tpm, 'new'));
    renameSync(join(paths.tpm, 'new'), permanent());
    writeFileSync(volatile, 'of the start');
    const started = contents();
    expect(await numbers()).toEqual([1, 2]);
    expect(contents()).toEqual(started);
    expect(readFileSync(volatile, 'utf8')).toBe('of the start');
    rmSync(volatile);
    expectTidy([1, 2]);
  });

  test('a rollback waits for a filesystem that is not mounted', async () => {
    const { old } = await killRollBack('back_committed');
    const [, ext4 = ''] = mounts;
    execFileSync('umount', [ext4]);
    try {
      expect((await coldpatch(['generations', 'list', 'web'])).stderr).toMatch(/internal.*are mounted/);
    } finally {
      execFileSync('mount', ['-o', 'loop', `${ext4}.img`, ext4]);
    }
    expect(await numbers()).toEqual([1, 2]);
    expect(contents()).toEqual(old);
    expectTidy([1, 2]);
  });

  test('a rollback of which the preparations are gone takes no disk away', async () => {
    const { present, old } = await killRollBack('back_committed');
    // What a run takes away first, when it could not make its commitment certain.
    rmSync(preparedBeside(paths.data, '2'), { recursive: true });
    expect(await numbers()).toEqual([1]);
    expect(contents()).toEqual(present);
    expectTidy([1]);

    rmSync(paths.disk);
    const run = await coldpatch(['generations', 'rollback', 'web', '--generation', '1'], 'back_committed');
    expect(run.signal).toBe('SIGKILL');
    for (const path of [paths.disk, paths.data, permanent()]) {
      rmSync(preparedBeside(path, '3.staged'), { recursive: true });
    }
    await coldpatch(['generations', 'list', 'web']);
    expect(contents()).toEqual([undefined, ...present.slice(1)]);
    expectTidy([1]);

    writeFileSync(paths.disk, Buffer.from(present[0] ?? '', 'latin1'));
    await coldpatch(['generations', 'rollback', 'web', '--generation', '1'], 'back_taken_away');
    const left = contents();
    expect(left[0]).toBeUndefined();
    const staged = preparedBeside(paths.data, '4.staged');
    renameSync(staged, `${staged}.away`);
    writeFileSync(paths.disk, 'of somebody');
    expect((await coldpatch(['generations', 'list', 'web'])).stderr).toMatch(/internal.*are mounted/);
    expect(contents()).toEqual(['of somebody', ...left.slice(1)]);
    rmSync(paths.disk);
    renameSync(`${staged}.away`, staged);
    expect(await numbers()).toEqual([1, 4]);
    expect(contents()).toEqual(old);
    expectTidy([1, 4]);
  });

  test('what is left is found by doctor, and put in order when that is asked for', async () => {
    const stateDirectory = join(folder, 'state');
    await coldpatch(['generations', 'take', 'web'], 'take_copied');
    const found = await findMachineLeftovers(stateDirectory);
    expect(found).toMatchObject({ machines: [{ name: 'web', files: [{ kind: 'replacement' }] }], inUse: [] });
    const cleaned = await cleanMachine('web', { stateDirectory, now: () => new Date() });
    expect(cleaned).toEqual({ image: 'web', detached: [], removed: [], settlement: 'undone' });
    expect((await findMachineLeftovers(stateDirectory)).machines).toEqual([]);
    expectTidy([]);
  });

  test('a deletion is carried out to its end', async () => {
    await done('generations', 'take', 'web');
    for (const step of ['delete_intended', 'delete_removed', 'delete_logged']) {
      await done('generations', 'take', 'web');
      const newest = String((await numbers()).at(-1));
      expect((await coldpatch(['generations', 'delete', 'web', newest], step)).signal).toBe('SIGKILL');
      expect(await numbers()).toEqual([1]);
      expectTidy([1]);
    }
  });

  test('a disk that is full refuses, and leaves the machine and nothing else', async () => {
    const before = contents();
    const full = await coldpatch(['generations', 'take', 'web', '--reserve', '1G']);
    expect(full.stderr).toContain('host_space');
    expect(contents()).toEqual(before);
    expectTidy([]);
  });
});
