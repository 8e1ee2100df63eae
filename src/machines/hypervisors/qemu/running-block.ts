import { z } from 'zod';
import { nothing, type Qmp } from './qmp.ts';

/** A disk, or UEFI variables, as a running QEMU has it open. */
export interface RunningDrive {
  /** As QEMU names the file: not yet resolved. */
  readonly file: string;
  /** `raw`, `qcow2`, ... */
  readonly format: string;
  /** Of the topmost node. */
  readonly node: string;
  /** Bytes that the guest sees. */
  readonly virtualSize: number;
  /** Bytes; null for formats without clusters. */
  readonly clusterSize: number | null;
  readonly hasBacking: boolean;
  readonly encrypted: boolean;
  /** In flash of the machine, where its firmware is, rather than on a disk. */
  readonly isFlash: boolean;
}

const blockSchema = z
  .array(
    z.object({
      device: z.string(),
      qdev: z.string().optional(),
      inserted: z
        .object({
          file: z.string().max(65_536),
          'node-name': z.string().optional(),
          ro: z.boolean(),
          drv: z.string(),
          backing_file_depth: z.number(),
          encrypted: z.boolean().optional(),
          image: z.object({ 'virtual-size': z.number(), 'cluster-size': z.number().optional() }),
        })
        .optional(),
    }),
  )
  .max(1000);

const fileNodeSchema = z.object({ filename: z.string() });
const nestedSchema = z.object({ file: z.unknown() });
const deepest = 8;

/** Where machines have the flash with their UEFI variables: of the pc and q35 machines, and of `virt`. */
const flashPaths = ['system.flash0', 'system.flash1', 'virt.flash0', 'virt.flash1'];

/** All drives that the machine can write to. */
export async function writableDrives(qmp: Qmp): Promise<readonly RunningDrive[]> {
  const blocks = await qmp.execute('query-block', blockSchema);
  const flash = new Set<string>();
  for (const name of flashPaths) flash.add(await driveOfFlash(qmp, name));
  return blocks.flatMap(({ device, qdev = '', inserted }) => {
    if (!inserted || inserted.ro) return [];
    const node = inserted['node-name'] ?? device;
    const isFlash =
      /(?:^|\/)(?:system|virt)\.flash\d$/.test(qdev) ||
      (node !== '' && flash.has(node)) ||
      (device !== '' && flash.has(device));
    return [
      {
        file: fileOf(inserted.file),
        format: inserted.drv,
        node,
        virtualSize: inserted.image['virtual-size'],
        clusterSize: inserted.image['cluster-size'] ?? null,
        hasBacking: inserted.backing_file_depth > 0,
        encrypted: inserted.encrypted === true,
        isFlash,
      },
    ];
  });
}

/** The TPMs that the machine has: the names of the character devices of emulators, or what kind of TPM it is. */
export async function tpmsOf(qmp: Qmp): Promise<readonly string[]> {
  const tpms = await qmp.execute(
    'query-tpm',
    z.array(
      z.object({
        options: z.object({ type: z.string(), data: z.object({ chardev: z.string().optional() }) }),
      }),
    ),
  );
  return tpms.map(({ options }) => options.data.chardev ?? options.type);
}

async function driveOfFlash(qmp: Qmp, name: string): Promise<string> {
  try {
    return await qmp.execute('qom-get', z.string(), {
      arguments: { path: `/machine/${name}`, property: 'drive' },
    });
  } catch {
    // Another type of machine, which has no such flash.
    await qmp.execute('query-status', nothing);
    return '';
  }
}

/** QEMU writes options that do not fit into a plain name as `json:{...}`. */
function fileOf(named: string): string {
  if (!named.startsWith('json:')) return named;
  try {
    let found: unknown = JSON.parse(named.slice('json:'.length));
    for (let depth = 0; depth < deepest; depth += 1) {
      const file = fileNodeSchema.safeParse(found);
      if (file.success) return file.data.filename;
      found = nestedSchema.safeParse(found).data?.file;
    }
  } catch {
    // Not a name that leads to a file: it belongs to no machine.
  }
  return named;
}
