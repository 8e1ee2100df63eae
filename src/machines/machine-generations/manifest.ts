import { z } from 'zod';
import { ColdpatchError } from '../../lib/errors.ts';
import { machineSchema } from '../definitions/machine.ts';
import type { Statement } from '../signing/statement.ts';

export const manifestName = 'manifest.dsse.json';
export const predicateType = 'urn:coldpatch:generation:v1';

const count = z.number().int().nonnegative();
const digest = z.string().regex(/^[0-9a-f]{64}$/);

const memberSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9.-]{0,63}$/),
  kind: z.enum(['disk', 'uefi_variables', 'vtpm', 'memory']),
  path: z.string(),
  format: z.enum(['raw', 'qcow2', 'swtpm', 'qemu-migration']),
  sha256: digest,
  /** Bytes of the file. */
  size: count,
  owner: count,
  group: count,
  mode: count,
});

const countersSchema = z.strictObject({
  resets: count,
  restarts: count,
  clock: count,
  nv: z.record(z.string().regex(/^[0-9a-f]{1,8}$/), z.string().regex(/^\d{1,20}$/)),
});

const manifestSchema = z.strictObject({
  schema: z.literal(1),
  machine: machineSchema,
  generation: count,
  /** The generation that was the newest before, and the SHA-256 of its manifest. */
  parent: z.strictObject({ generation: count, manifest: digest }).nullable(),
  takenAt: z.iso.datetime(),
  /** What made us take it. */
  cause: z.enum(['request', 'update', 'schedule', 'rollback', 'import']),
  /** In the operator's words. */
  reason: z.string().max(500),
  members: z.array(memberSchema).min(1).max(80),
  vtpm: z
    .strictObject({ encrypted: z.boolean(), keyId: z.string().nullable(), counters: countersSchema })
    .nullable(),
  /** Why this cannot be rolled back to: it was kept although the machine was not whole. */
  problems: z.array(z.string()),
  /** What somebody had put back by hand when it was taken. */
  findings: z.array(z.string()).default([]),
  /** How long the machine was kept from starting. */
  heldSeconds: z.number().nonnegative(),
  /** Of a machine that ran; null of one that was off. */
  running: z
    .strictObject({
      /** How long the guest did not run. */
      pauseSeconds: z.number().nonnegative(),
      /** Whether the guest had written everything out; else the disks are as after a power cut. */
      quiescence: z.enum(['frozen', 'no_agent', 'refused', 'in_memory']),
      /** What runs it, and so what can resume its memory. */
      qemu: z.string().max(200),
    })
    .nullable()
    .default(null),
  /** Where the log of generations was. */
  log: z.strictObject({ entries: count, head: digest.nullable() }),
  /** The generation of another host that this was imported from. */
  origin: z.strictObject({ manifest: digest, machine: z.string(), generation: count }).nullable(),
});

/** All that a generation of a machine is, signed. */
export type Manifest = Readonly<z.infer<typeof manifestSchema>>;

export type Member = Readonly<z.infer<typeof memberSchema>>;

export function statementOf(manifest: Manifest): Statement {
  const predicate = manifestSchema.parse(manifest);
  return {
    predicateType,
    subjects: manifest.members.map(({ name, sha256 }) => ({ name, sha256 })),
    predicate,
  };
}

/** @throws ColdpatchError `generation_altered` when the statement is about something else. */
export function manifestOf({ predicateType: type, predicate, subjects }: Statement, where: string): Manifest {
  const found = manifestSchema.safeParse(predicate);
  const isSame =
    found.success &&
    type === predicateType &&
    subjects.length === found.data.members.length &&
    subjects.every(({ name, sha256 }, index) => {
      const member = found.data.members[index];
      return member?.name === name && member.sha256 === sha256;
    });
  if (isSame) return found.data;
  throw new ColdpatchError(
    'generation_altered',
    `Expected the manifest of a generation in ${where}, but found another statement. Choose another generation.`,
  );
}
