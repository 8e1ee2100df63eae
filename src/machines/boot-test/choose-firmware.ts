import { existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { ColdpatchError } from '../../lib/errors.ts';
import type { Machine } from '../definitions/machine.ts';
import { hasPlatformKey } from './has-platform-key.ts';

/** What runs before the boot loader. */
export type Firmware =
  | { readonly kind: 'bios' }
  | {
      readonly kind: 'uefi';
      readonly code: string;
      /** Copied, never written. */
      readonly variables: string;
      readonly secureBoot: boolean;
    };

interface Build {
  /** Of the file with the variables, in bytes. */
  readonly size: number;
  readonly code: string;
  readonly secureCode: string;
  readonly template: string;
}

/** OVMF as Debian has it. A store of variables fits only the code that was built for its size. */
const directory = '/usr/share/OVMF';
const builds: readonly [Build, Build] = [
  {
    size: 528 * 1024,
    code: `${directory}/OVMF_CODE_4M.fd`,
    secureCode: `${directory}/OVMF_CODE_4M.secboot.fd`,
    template: `${directory}/OVMF_VARS_4M.fd`,
  },
  {
    size: 128 * 1024,
    code: `${directory}/OVMF_CODE.fd`,
    secureCode: `${directory}/OVMF_CODE.secboot.fd`,
    template: `${directory}/OVMF_VARS.fd`,
  },
];

/**
 * The firmware of a machine as its definition has it; of an image by itself the one that its disk is made for.
 *
 * @param image `uefi` when its disk has an EFI system partition and nothing for a BIOS.
 * @throws ColdpatchError `machine_unsupported`, `host_tool_missing` without OVMF.
 */
export async function chooseFirmware(
  machine: Pick<Machine, 'uefiVariables' | 'boot'> | undefined,
  image: 'bios' | 'uefi',
): Promise<Firmware> {
  if (!machine) return image === 'bios' ? { kind: 'bios' } : withoutVariables();
  if (!machine.uefiVariables) return { kind: 'bios' };
  const { path } = machine.uefiVariables;
  const variables = await readVariables(path);
  const build = builds.find(({ size }) => size === variables.length);
  const known = machine.boot?.firmwareCode ?? undefined;
  const secureBoot = hasPlatformKey(variables);
  const code = known ?? (secureBoot ? build?.secureCode : build?.code);
  if (code === undefined) {
    throw new ColdpatchError(
      'machine_unsupported',
      `Expected UEFI variables of OVMF, with ${builds.map(({ size }) => size).join(' or ')} bytes, in ${path}, but found ${variables.length}. ` +
        'Add the machine again with --firmware-code FILE.',
    );
  }
  assertThere(code);
  return { kind: 'uefi', code, variables: path, secureBoot };
}

function withoutVariables(): Firmware {
  const [{ code, template }] = builds;
  assertThere(code);
  return { kind: 'uefi', code, variables: template, secureBoot: false };
}

const largestVariables = 16 * 1024 * 1024;

async function readVariables(path: string): Promise<Buffer> {
  await using file = await open(path);
  const { size } = await file.stat();
  if (size <= largestVariables) return await file.readFile();
  throw new ColdpatchError(
    'machine_unsupported',
    `Expected UEFI variables in ${path}, but found ${size} bytes.`,
  );
}

function assertThere(path: string): void {
  if (existsSync(path)) return;
  throw new ColdpatchError(
    'host_tool_missing',
    `Expected the firmware ${path} on this host, but it is not there. OVMF is in the package ovmf.`,
  );
}
