import { z } from 'zod';

const whole = (least: number, most: number) =>
  z
    .int('must be a whole number')
    .min(least, `must be at least ${least}`)
    .max(most, `must be at most ${most}`);

/** How generations are kept and taken; what is left out has no limit. */
const keepingSchema = z.strictObject({
  keep: whole(1, 100_000).optional().describe('How many of the newest stay'),
  maxAgeDays: whole(1, 36_500).optional().describe('Older ones go'),
  maxBytes: whole(1, Number.MAX_SAFE_INTEGER)
    .optional()
    .describe('The oldest go until the others take at most so many bytes'),
  budgetBytes: whole(1, Number.MAX_SAFE_INTEGER)
    .optional()
    .describe('A generation or an update that would make them take more is refused'),
  reserveBytes: whole(0, Number.MAX_SAFE_INTEGER)
    .optional()
    .describe('What must be free on each filesystem of the machine before work is begun'),
  everyHours: whole(1, 87_600).optional().describe('When a generation is due, for "take --all-due"'),
});

export type Keeping = Readonly<z.infer<typeof keepingSchema>>;

/** For all machines, and for some of them by their names. */
export const generationsSchema = z
  .strictObject({
    defaults: keepingSchema.default({}),
    machines: z.record(z.string(), keepingSchema).default({}),
  })
  .describe('Which generations of machines are kept, how much room they may take, and when they are due');
