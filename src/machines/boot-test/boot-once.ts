import { mkdir, open, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EarlyEndError } from '../../lib/start-program.ts';
import { judgeBoot } from './judge-boot.ts';
import { screenSet } from './machine-arguments.ts';
import { startTestMachine, type TestMachine, type TestMachineOptions } from './start-test-machine.ts';
import type { Boot, BootLabel } from './types.ts';
import { watchBoot, type WatchedBoot, type WatchOptions } from './watch-boot.ts';

export interface BootOnceOptions extends Omit<TestMachineOptions, 'directory'>, Omit<WatchOptions, 'signal'> {
  readonly label: BootLabel;
  /** Where the start keeps its clones, in a directory of its own that is gone afterwards. */
  readonly workDirectory: string;
  readonly evidenceDirectory: string;
}

/** Starts a machine once, watches it, keeps the evidence, and throws its clones away. */
export async function bootOnce(options: BootOnceOptions): Promise<Boot> {
  const { label, workDirectory, evidenceDirectory, notAsked } = options;
  const began = performance.now();
  const directory = join(workDirectory, label);
  await mkdir(directory, { mode: 0o700 });
  try {
    const machine = await startTestMachine({ ...options, directory });
    try {
      const watched = await watchBoot(machine, options);
      if (watched.end === 'ended' && watched.console === '' && watched.firmware === '')
        throw new EarlyEndError('qemu-system-x86_64', await machine.qemu.exited, machine.qemu.lastWords());
      const screen = await takeScreen(machine);
      const evidence = await keepEvidence(evidenceDirectory, label, watched, screen);
      const { inside } = watched;
      const report = inside.answer === 'report' ? inside.report : undefined;
      return {
        label,
        ...judgeBoot(watched),
        seconds: Math.round(performance.now() - began) / 1000,
        notAsked: notAsked ?? null,
        failedUnits: report?.failedUnits ?? [],
        failedProbes: report?.probes.filter(({ ok }) => !ok).map(({ name }) => name) ?? [],
        evidence,
      };
    } finally {
      await machine.stop();
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

const largestScreen = 16 * 1024 * 1024;
const pngMagic = Buffer.from('89504e470d0a1a0a', 'hex');

/** A picture of the screen, when QEMU gives one. */
async function takeScreen({ monitor, screen }: TestMachine): Promise<Buffer | undefined> {
  const args = { filename: `/dev/fdset/${screenSet}`, format: 'png' };
  if (!(await monitor.execute('screendump', args, 30_000))) return undefined;
  await using file = await open(screen);
  if ((await file.stat()).size > largestScreen) return undefined;
  const picture = await file.readFile();
  return picture.subarray(0, pngMagic.length).equals(pngMagic) ? picture : undefined;
}

async function keepEvidence(
  directory: string,
  label: BootLabel,
  { console, firmware, inside }: WatchedBoot,
  screen: Buffer | undefined,
): Promise<readonly string[]> {
  const journal = inside.answer === 'report' ? inside.report.journal : undefined;
  const files: readonly (readonly [string, string | Buffer | undefined])[] = [
    ['console.txt', readable(console)],
    ['firmware.txt', firmware === '' ? undefined : readable(firmware)],
    ['screen.png', screen],
    ['journal.export.gz', journal],
  ];
  const kept: string[] = [];
  for (const [name, content] of files) {
    if (content === undefined) continue;
    await writeFile(join(directory, `${label}-${name}`), content, { flag: 'wx', mode: 0o600 });
    kept.push(`${label}-${name}`);
  }
  return kept;
}

/** A guest must not reach the terminal of whoever prints the file. */
function readable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is removed.
  return text.replaceAll(/\u001b\[[0-9;?=]*[A-Za-z]|[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '');
}
