import { z } from 'zod';

const path = z.string().regex(/^\/[^\0]*$/);

/** What is done to a machine that runs, written down before it is: enough to let it go again, for whoever comes next. */
export const interventionSchema = z.strictObject({
  qmp: path,
  /** Null when the guest is not frozen. */
  agent: path.nullable(),
  /** Whether the guest ran before, and is to run again. */
  resume: z.boolean(),
  /** The limit of migrations in bytes a second, as it was; null when it is not changed. */
  bandwidth: z.number().int().nonnegative().nullable(),
  /** A directory of the socket that takes the memory. */
  socketDirectory: path.nullable(),
});

export type Intervention = Readonly<z.infer<typeof interventionSchema>>;

/** How all jobs and block nodes begin that we make in a QEMU. */
export const ownPrefix = 'coldpatch-';
