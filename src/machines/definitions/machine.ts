import { z } from 'zod';

const absolutePath = z.string().regex(/^\/[^\0]*$/);

/** Names are words of commands and names of directories; with these characters they are never options nor paths. */
const machineName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/);

const keySchema = z.strictObject({
  /** The key itself is never read by us: swtpm gets the file's name. */
  file: absolutePath,
  kind: z.enum(['hex', 'binary', 'passphrase']),
  mode: z.enum(['aes-cbc', 'aes-256-cbc']),
});

export const monitorSchema = z.strictObject({
  /** A socket of `-qmp unix:`. */
  qmp: absolutePath,
  /** The socket behind which the agent in the guest is. */
  agent: absolutePath.nullable(),
});

export type Monitor = Readonly<z.infer<typeof monitorSchema>>;

export const machineSchema = z.strictObject({
  schema: z.literal(1),
  /** Never used again, also when the name is. */
  id: z.uuid(),
  name: machineName,
  addedAt: z.iso.datetime(),
  disks: z
    .array(z.strictObject({ path: absolutePath, format: z.enum(['raw', 'qcow2']) }))
    .min(1)
    .max(64),
  vtpm: z
    .strictObject({
      /** How swtpm keeps its state: `--tpmstate dir=...` or `--tpmstate backend-uri=file://...`. */
      backend: z.enum(['directory', 'file']),
      path: absolutePath,
      key: keySchema.nullable(),
    })
    .nullable(),
  uefiVariables: z.strictObject({ path: absolutePath }).nullable(),
  /** The libvirt domain from which the definition was read. */
  domain: z.string().nullable(),
  /** Where a QEMU that runs the machine is spoken with. */
  monitor: monitorSchema.optional(),
  /** How it is started, as far as that is known; null when it is not, as for machines that were added before this was kept. */
  boot: z
    .strictObject({
      machineType: z.enum(['q35', 'pc']),
      /** The firmware's code of a machine with UEFI variables; null when it is chosen by those. */
      firmwareCode: absolutePath.nullable(),
      diskBus: z.enum(['virtio', 'scsi', 'sata', 'ide']),
      vtpmModel: z.enum(['tpm-tis', 'tpm-crb']),
    })
    .nullable()
    .default(null),
});

/** All parts of a machine that hold its state: together they are one generation. */
export type Machine = Readonly<z.infer<typeof machineSchema>>;

export type VtpmKey = Readonly<z.infer<typeof keySchema>>;

export type Vtpm = NonNullable<Machine['vtpm']>;

export function isMachineName(text: string): boolean {
  return machineName.safeParse(text).success;
}
