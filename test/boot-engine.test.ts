/** Copies that are started and upgrade themselves, by an ordinary user; attacked from inside, killed on the way. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { zstdDecompressSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type ErrorCode, errorCatalogue } from '../src/lib/errors.ts';
import type { Plan } from '../src/patch/plan.ts';
import type { Recording } from '../src/patch/recording/types.ts';
import type { Report } from '../src/patch/report.ts';
import { makeServerImage } from '../tools/images/make-server-image.ts';
import { type CommandOptions, type CommandResult, runColdpatch } from './support/command-line-fixture.ts';
import {
  changeGuestImage,
  copyGuestImage,
  imageCacheDirectory,
  readGuestFile,
} from './support/guest-image.ts';
import { installInImage } from './support/install-in-image.ts';
import { makePackageFixture } from './support/package-fixture.ts';
import { makeShowingImage } from './support/showing-image.ts';
import {
  openWorkshop,
  publish,
  type RepositoryServer,
  type SigningKey,
  serve,
  type Workshop,
} from './support/signed-repository.ts';

/** Nobody's number, and nobody's group. */
const user = 60_125;
const machineId = '0123456789abcdef0123456789abcdef';

let workshop: Workshop;
let key: SigningKey;
let server: RepositoryServer;
let shared: string;
let cache: string;
let folder: string;

beforeAll(async () => {
  chmodSync(tmpdir(), 0o711);
  workshop = openWorkshop();
  key = workshop.makeKey('Archive <archive@example.org>');
  server = await serve();
  shared = realpathSync(mkdtempSync(join(tmpdir(), 'boot-engine-')));
  chmodSync(shared, 0o711);
  const environment = { COLDPATCH_CACHE_DIRECTORY: imageCacheDirectory };
  const { exitCode, stderr } = await runColdpatch({ args: ['appliance', 'build'], environment });
  if (exitCode !== 0) throw new Error(stderr);
  cache = join(shared, 'cache');
  mkdirSync(cache);
  execFileSync('cp', ['-a', join(imageCacheDirectory, 'appliance'), cache]);
  execFileSync('chown', ['-R', `${user}:${user}`, cache]);
});

afterAll(async () => {
  workshop.end();
  await server.close();
  rmSync(shared, { recursive: true, force: true });
});

beforeEach(() => {
  folder = join(shared, 'images');
  mkdirSync(folder);
  chownSync(folder, user, user);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function offer(
  postinst: string,
  files: Readonly<Record<string, string>> = { '/usr/share/app/version': '2.0\n' },
): Promise<void> {
  const app = { name: 'app', version: '2.0', files, scripts: { postinst } };
  server.files = await publish(key, { packages: [makePackageFixture(app)] });
}

function coldpatch(
  args: readonly string[],
  { environment, ...options }: Omit<CommandOptions, 'args' | 'user'> = {},
): Promise<CommandResult> {
  return runColdpatch({
    ...options,
    args,
    user,
    environment: {
      COLDPATCH_CACHE_DIRECTORY: cache,
      COLDPATCH_STATE_DIRECTORY: join(cache, 'state'),
      HOME: shared,
      TMPDIR: '/tmp',
      ...environment,
    },
  });
}

function update(
  image: string,
  options: Omit<CommandOptions, 'args' | 'user'> = {},
  more: readonly string[] = [],
): Promise<CommandResult> {
  return coldpatch(['update', image, '--engine', 'boot', '--json', ...more], options);
}

function digestOf(path: string): string {
  return execFileSync('sha256sum', ['-b', path], { encoding: 'utf8' }).slice(0, 64);
}

/** Of the run directories below the state directories. */
function leftovers(): readonly string[] {
  const state = join(folder, '.coldpatch');
  if (!existsSync(state)) return [];
  return readdirSync(state, { recursive: true, encoding: 'utf8' }).filter(
    (name) => !/^[^/]+(?:\/(?:lock|counter|work|generations(?:\/\d+(?:\/[^/]+)?)?))?$/.test(name),
  );
}

/** Machines of the test's own user. */
function machines(): readonly number[] {
  return readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return [];
    try {
      const isOurs = new RegExp(`^Uid:\\t${user}\\t`, 'm').test(readFileSync(`/proc/${pid}/status`, 'utf8'));
      const isMachine = readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith('qemu-system');
      return isOurs && isMachine ? [Number(pid)] : [];
    } catch {
      return [];
    }
  });
}

function expectRefusal(result: CommandResult, code: ErrorCode, image: string, original: string): void {
  expect(result.stderr).toContain(`coldpatch: error ${code}: `);
  expect(result.exitCode).toBe(errorCatalogue[code].exit);
  expect(digestOf(image)).toBe(original);
  expect(leftovers()).toEqual([]);
  expect(machines()).toEqual([]);
}

describe('a small image whose boot code only shows a text', () => {
  async function makeImage(shown: string, id = machineId): Promise<string> {
    const image = join(folder, 'small.raw');
    await makeShowingImage({
      image,
      key: key.publicKey,
      uri: server.uri,
      shown,
      script: `ln -s /lib/systemd/systemd "$root/sbin/init"; echo ${id} > "$root/etc/machine-id"`,
    });
    chownSync(image, user, user);
    await offer('true');
    return image;
  }

  test('a kernel that panics, and a start that goes no further', async () => {
    const image = await makeImage('Kernel panic - not syncing: it is hostile');
    const original = digestOf(image);
    const result = await update(image);
    expect(result.stderr).toContain('its kernel gave up (Kernel panic - not syncing: it is hostile)');
    expectRefusal(result, 'guest_not_started', image, original);

    const other = await makeImage('Linux version 6.1.0 (it hangs)');
    const hangs = digestOf(other);
    const environment = { COLDPATCH_UPGRADE_SECONDS: '60' };
    const late = await update(other, { environment });
    expect(late.stderr).toContain('it was not up within 60 s. The job inside was not heard');
    expectRefusal(late, 'guest_not_started', other, hangs);
  });

  test('one that was never started is refused', async () => {
    const image = await makeImage('nothing', '');
    const original = digestOf(image);
    const result = await update(image);
    expect(result.stderr).toContain('it has no machine id yet');
    expectRefusal(result, 'start_impossible', image, original);
  });

  test('a kill of coldpatch ends the machine too, and the next run finds all in order', async () => {
    const image = await makeImage('Linux version 6.1.0 (it hangs)');
    const original = digestOf(image);
    const environment = { COLDPATCH_UPGRADE_SECONDS: '300' };
    const run = update(image, { environment });
    const pid = await startedGuest();
    process.kill(parentOf(pid), 'SIGKILL');
    expect(await run).toMatchObject({ signal: 'SIGKILL' });
    for (let tries = 0; tries < 100 && machines().length > 0; tries += 1) await delay(100);
    expect(machines()).toEqual([]);
    expect(digestOf(image)).toBe(original);
    expect(leftovers()).not.toEqual([]);

    const again = update(image, { environment });
    process.kill(await startedGuest(), 'SIGKILL');
    expectRefusal(await again, 'guest_not_started', image, original);
  });

  /** The appliance has no screen. */
  async function startedGuest(): Promise<number> {
    for (let tries = 0; tries < 1500; tries += 1) {
      const pid = machines().find((found) => readFileSync(`/proc/${found}/cmdline`, 'utf8').includes('VGA'));
      if (pid !== undefined) return pid;
      await delay(200);
    }
    throw new Error('Expected a machine within five minutes.');
  }
});

describe('a server', () => {
  let prepared: string;
  beforeAll(async () => {
    const { path } = await makeServerImage({ cacheDirectory: imageCacheDirectory, log: console.log });
    prepared = join(shared, 'server.raw');
    execFileSync('qemu-img', ['convert', '-O', 'raw', path, prepared]);
    const app = { name: 'app', version: '1.0', files: { '/usr/share/app/version': '1.0\n' } };
    await installInImage({ image: prepared, key: key.publicKey, uri: server.uri, packages: [app] });
    chmodSync(prepared, 0o644);
  });

  /** A qcow2 file over the prepared server: its backing file. */
  function makeOverlay(): string {
    const image = join(folder, 'server.qcow2');
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', prepared, '-F', 'raw', image]);
    chownSync(image, user, user);
    return image;
  }

  /** The disk by a foreign program. */
  function rawOf(image: string): string {
    const raw = join(folder, 'result.raw');
    execFileSync('qemu-img', ['convert', '-O', 'raw', image, raw]);
    return raw;
  }

  test('its package script finds systemd, services and a database, and no network', async () => {
    const unit = [
      '[Service]',
      'Type=oneshot',
      'RemainAfterExit=yes',
      "ExecStart=/bin/sh -c 'echo served > /var/lib/app-served'",
      '',
    ].join('\n');
    await offer(
      [
        'systemctl daemon-reload',
        'systemctl start app.service',
        'systemctl is-active app.service dbus.service postgresql.service > /var/lib/app-active',
        'systemctl restart nginx.service',
        'ls /sys/class/net > /var/lib/app-network',
        'cd / && su postgres -c "createdb app && psql -Atc \'select datname from pg_database order by 1\'" > /var/lib/app-databases',
        'update-grub',
      ].join('\n'),
      { '/usr/share/app/version': '2.0\n', '/lib/systemd/system/app.service': unit },
    );
    const image = makeOverlay();
    const menu = await readGuestFile(prepared, '/boot/grub/grub.cfg');
    const result = await update(image, {}, ['--backing', prepared]);
    expect(result.stderr).not.toContain('coldpatch: error');
    const report = JSON.parse(result.stdout) as Report;
    expect(report).toMatchObject({
      outcome: 'updated',
      engine: {
        id: 'boot',
        trust: 'not_needed',
        isolation: expect.stringContaining('without a network') as string,
      },
      changes: [{ name: 'app', from: '1.0', to: '2.0' }],
      kernels: { bootMenuWritten: true },
      failedUnits: [],
    });
    expect(report.verification.filter(({ ok }) => !ok)).toEqual([]);
    expect(report.files.byClass).toContainEqual(expect.objectContaining({ class: 'traces of a start' }));
    console.log(JSON.stringify([report.phases, report.files]));

    const raw = rawOf(image);
    execFileSync('e2fsck', ['-fn', `${raw}?offset=1048576`]);
    expect(await readGuestFile(raw, '/var/lib/app-served')).toBe('served\n');
    expect(await readGuestFile(raw, '/var/lib/app-active')).toBe('active\nactive\nactive\n');
    expect(await readGuestFile(raw, '/var/lib/app-network')).toBe('lo\n');
    expect(await readGuestFile(raw, '/var/lib/app-databases')).toMatch(/^app\npostgres\n/);
    expect(await readGuestFile(raw, '/boot/grub/grub.cfg')).toBe(menu);
    const { changes } = readRecording(image, report.generation ?? 0);
    expect(changes.map(({ path }) => path).filter((path) => path.includes('coldpatch'))).toEqual([]);
    expect(await readGuestFile(raw, '/etc/systemd/system-generators/coldpatch-upgrade')).toBe('');
    expect(leftovers()).toEqual([]);
    expect(machines()).toEqual([]);
  });

  test('one that switches itself off in the middle is thrown away', async () => {
    await offer('sync; echo o > /proc/sysrq-trigger; sleep 600');
    const image = makeOverlay();
    const original = digestOf(image);
    const plan = await coldpatch(['plan', image, '--json', '--engine', 'boot', '--backing', prepared]);
    expect((JSON.parse(plan.stdout) as Plan).engine.id).toBe('boot');
    const result = await update(image, {}, ['--backing', prepared]);
    expectRefusal(result, 'guest_ended_early', image, original);
  });

  test('one that only says that it is upgraded does not pass', async () => {
    const image = join(folder, 'liar.qcow2');
    const raw = join(folder, 'liar.raw');
    await copyGuestImage(prepared, raw);
    await changeGuestImage({
      image: raw,
      script:
        'printf "#!/bin/sh\\necho all upgraded\\n" > "$root/usr/local/sbin/apt-get"; chmod 755 "$root/usr/local/sbin/apt-get"',
    });
    execFileSync('qemu-img', ['convert', '-O', 'qcow2', raw, image]);
    rmSync(raw);
    chownSync(image, user, user);
    await offer('true');
    const original = digestOf(image);
    const result = await update(image);
    expect(result.stderr).toContain('app:amd64: expected 2.0, found 1.0');
    expectRefusal(result, 'verification_failed', image, original);
  });
});

function readRecording(image: string, generation: number): Recording {
  const [name = ''] = readdirSync(join(image, '../.coldpatch'));
  const path = join(image, '../.coldpatch', name, 'generations', String(generation), 'recording.json.zst');
  return JSON.parse(zstdDecompressSync(readFileSync(path)).toString()) as Recording;
}

/** Field 4 of stat, after the name in brackets: proc_pid_stat(5). */
function parentOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return Number(status.slice(status.lastIndexOf(')') + 2).split(' ')[1]);
}
