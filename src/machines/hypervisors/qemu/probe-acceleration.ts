import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isColdpatchError } from '../../../lib/errors.ts';
import { runProgram } from '../../../lib/run-program.ts';

export type Accelerator = 'kvm' | 'tcg';

export type ProbeResult =
  | { readonly answer: 'usable' }
  | { readonly answer: 'unusable'; readonly detail: string }
  | { readonly answer: 'no-qemu' };

/** What the guest says by isa-debug-exit: QEMU ends with twice the value, plus one. */
const saidByGuest = 0x10;
const exitCode = saidByGuest * 2 + 1;

/** A boot sector in real mode: mov al, 0x10; out 0xf4, al; hlt. */
function bootSector(): Buffer {
  const sector = Buffer.alloc(512);
  sector.set([0xb0, saidByGuest, 0xe6, 0xf4, 0xf4]);
  sector.set([0x55, 0xaa], 510);
  return sector;
}

/**
 * Starts a guest of five bytes, with a time limit: that /dev/kvm opens proves nothing.
 * Some hosts offer it and end the guest, or never run it.
 */
export async function probeAcceleration(accelerator: Accelerator, timeoutSeconds = 5): Promise<ProbeResult> {
  const directory = await mkdtemp(join(tmpdir(), 'coldpatch-probe-'));
  const disk = join(directory, 'boot-sector');
  try {
    await writeFile(disk, bootSector());
    const result = await runProgram({
      file: 'qemu-system-x86_64',
      args: [
        '-accel',
        accelerator,
        '-nodefaults',
        '-display',
        'none',
        '-no-reboot',
        '-m',
        '32',
        '-device',
        'isa-debug-exit,iobase=0xf4,iosize=0x04',
        '-drive',
        `file=${disk},format=raw,if=ide,read-only=off,snapshot=on`,
      ],
      timeoutSeconds,
    });
    if (result.exitCode === exitCode) return { answer: 'usable' };
    const words = result.stderr.trim().split('\n').at(-1) ?? '';
    return { answer: 'unusable', detail: words || `QEMU ended with ${result.signal ?? result.exitCode}` };
  } catch (error) {
    if (isColdpatchError(error, 'host_tool_missing')) return { answer: 'no-qemu' };
    if (isColdpatchError(error, 'host_tool_timeout')) {
      return { answer: 'unusable', detail: `a guest did not run within ${timeoutSeconds} s` };
    }
    throw error;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
