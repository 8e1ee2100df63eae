import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { copyFile, mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasErrorCode } from '../../lib/has-error-code.ts';
import { runProgram } from '../../lib/run-program.ts';
import { probeAcceleration } from '../hypervisors/qemu/probe-acceleration.ts';
import { hostPrograms } from './host-programs.ts';
import type { HostCheck } from './types.ts';

const programFolders = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** What this host can do for coldpatch, and what it lacks. `directories` are asked for reflinks and free space. */
export async function examineHost(directories: readonly string[]): Promise<readonly HostCheck[]> {
  return [
    checkRoot(),
    ...hostPrograms.map(checkProgram),
    await checkNspawn(),
    await checkNamespaces(),
    checkDevice('/dev/fuse', 'copies are shown through it'),
    checkDevice('/dev/loop-control', 'copies are mounted through it'),
    checkFilesystem('ext4'),
    await checkKvm(),
    await checkQemuVersion(),
    ...(await Promise.all(directories.map(checkDirectory))),
  ];
}

function checkRoot(): HostCheck {
  if (process.geteuid?.() === 0) return { check: 'root', state: 'ok', detail: 'every command works' };
  return { check: 'root', state: 'note', detail: 'inspect and plan work; the engine namespace needs root' };
}

function checkProgram(entry: (typeof hostPrograms)[number]): HostCheck {
  const folder = programFolders.find((candidate) => existsSync(join(candidate, entry.program)));
  if (folder !== undefined) return { check: entry.program, state: 'ok', detail: join(folder, entry.program) };
  return {
    check: entry.program,
    state: 'missing',
    detail: `needed for ${entry.for}`,
    package: entry.package,
  };
}

const oldestNspawn = 250;

async function checkNspawn(): Promise<HostCheck> {
  const check = 'systemd-nspawn version';
  if (checkProgram(programNamed('systemd-nspawn')).state !== 'ok') {
    return { check, state: 'missing', detail: 'not there', package: 'systemd-container' };
  }
  const { stdout } = await runProgram({ file: 'systemd-nspawn', args: ['--version'], timeoutSeconds: 10 });
  const version = Number(/^systemd (\d+)/.exec(stdout)?.[1] ?? 0);
  if (version >= oldestNspawn) return { check, state: 'ok', detail: String(version) };
  return { check, state: 'missing', detail: `${version} cannot suppress syncs; ${oldestNspawn} can` };
}

function programNamed(name: (typeof hostPrograms)[number]['program']): (typeof hostPrograms)[number] {
  return hostPrograms.find(({ program }) => program === name) ?? hostPrograms[0];
}

async function checkNamespaces(): Promise<HostCheck> {
  const check = 'private namespaces';
  const { exitCode, stderr } = await runProgram({
    file: 'unshare',
    args: ['--mount', '--pid', '--ipc', '--fork', '--mount-proc', 'true'],
    timeoutSeconds: 10,
  });
  if (exitCode === 0) return { check, state: 'ok', detail: 'mount, pid and ipc' };
  const state = process.geteuid?.() === 0 ? 'missing' : 'note';
  return { check, state, detail: stderr.trim() || `unshare ended with ${exitCode}` };
}

function checkDevice(path: string, purpose: string): HostCheck {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return { check: path, state: 'ok', detail: purpose };
  } catch (error) {
    const missing = hasErrorCode(error, 'ENOENT');
    const state = !missing && process.geteuid?.() !== 0 ? 'note' : 'missing';
    return {
      check: path,
      state,
      detail: missing ? `${purpose}, but it is not there` : `${purpose}; root may use it`,
    };
  }
}

function checkFilesystem(name: string): HostCheck {
  const known = readFileSync('/proc/filesystems', 'utf8')
    .split('\n')
    .some((line) => line.endsWith(`\t${name}`));
  if (known) return { check: `kernel: ${name}`, state: 'ok', detail: 'the engine namespace can mount it' };
  return { check: `kernel: ${name}`, state: 'note', detail: 'not loaded yet, or not part of this kernel' };
}

async function checkKvm(): Promise<HostCheck> {
  const check = 'KVM';
  if (!existsSync('/dev/kvm')) return { check, state: 'note', detail: 'absent; no engine needs it so far' };
  const probe = await probeAcceleration('kvm');
  if (probe.answer === 'usable') return { check, state: 'ok', detail: 'a guest ran' };
  if (probe.answer === 'no-qemu')
    return { check, state: 'note', detail: 'not tried: there is no qemu-system-x86_64' };
  return { check, state: 'note', detail: `/dev/kvm is there, but does not run a guest: ${probe.detail}` };
}

/** QEMU before 8 breaks kernels from 6.12 on at random when it emulates the processor. */
const firstSoundQemu = 8;

async function checkQemuVersion(): Promise<HostCheck> {
  const check = 'QEMU version';
  if (!existsSync('/usr/bin/qemu-system-x86_64')) {
    return { check, state: 'note', detail: 'qemu-system-x86_64 is not there; no engine needs it so far' };
  }
  const { stdout } = await runProgram({
    file: 'qemu-system-x86_64',
    args: ['--version'],
    timeoutSeconds: 10,
  });
  const version = /version (\d+)(\.\d+)*/.exec(stdout);
  if (Number(version?.[1] ?? 0) >= firstSoundQemu) return { check, state: 'ok', detail: version?.[0] ?? '' };
  const detail = `${version?.[0] ?? 'unknown'}: without KVM it breaks kernels from 6.12 on at random, so a failed start proves little`;
  return { check, state: 'note', detail };
}

async function checkDirectory(directory: string): Promise<HostCheck> {
  const { bavail, bsize } = await statfs(directory, { bigint: true });
  const free = `${(Number(bavail * bsize) / 2 ** 30).toFixed(1)} GiB free`;
  try {
    const how = (await canReflink(directory))
      ? 'copies are reflinks'
      : 'no reflinks: each update copies the image once';
    return { check: directory, state: 'ok', detail: `${free}; ${how}` };
  } catch (error) {
    if (!hasErrorCode(error, 'EACCES', 'EROFS', 'EPERM')) throw error;
    return { check: directory, state: 'note', detail: `${free}; you may not write there` };
  }
}

async function canReflink(directory: string): Promise<boolean> {
  const scratch = await mkdtemp(join(directory, '.coldpatch-probe-'));
  try {
    const file = join(scratch, 'a');
    await writeFile(file, Buffer.alloc(65536, 1));
    await copyFile(file, join(scratch, 'b'), constants.COPYFILE_FICLONE_FORCE);
    return true;
  } catch (error) {
    if (!hasErrorCode(error, 'ENOTSUP', 'EOPNOTSUPP', 'ENOTTY', 'EXDEV', 'EINVAL', 'ENOSYS')) throw error;
    return false;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
