import { z } from 'zod';
import { severities } from '../advisories/types.ts';

const days = z.number().nonnegative().max(3650);

const rule = z.discriminatedUnion('about', [
  z.strictObject({
    about: z.literal('exploited').describe('Vulnerabilities that are known to be exploited'),
    name: z.string().min(1),
    maxDays: days.describe('From the fix, or from when it was known to be exploited, whichever is later'),
  }),
  z.strictObject({
    about: z.literal('severity').describe('Vulnerabilities of this severity and all above it'),
    name: z.string().min(1),
    atLeast: z.enum(severities),
    maxDays: days.describe('From the fix'),
  }),
  z.strictObject({
    about: z.literal('lag').describe('Every package for which something newer is published'),
    name: z.string().min(1),
    maxDays: days.describe('From the first newer version'),
  }),
  z.strictObject({
    about: z.literal('support').describe('The system must be one that somebody still repairs'),
    name: z.string().min(1),
    allow: z.array(z.enum(['supported', 'long-term'])).min(1),
  }),
]);

/** What `coldpatch policy check --policy FILE` reads. */
export const policySchema = z.strictObject({
  rules: z.array(rule).min(1),
  exceptions: z
    .array(
      z.strictObject({
        vulnerability: z.string().optional(),
        package: z.string().optional().describe('Name of the binary or source package'),
        until: z.iso.date().describe('The last day on which it holds'),
        reason: z.string().min(1),
      }),
    )
    .default([]),
});

export type Policy = z.infer<typeof policySchema>;

export type PolicyRule = Policy['rules'][number];
