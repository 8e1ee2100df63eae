import type { z } from 'zod';
import { advisoriesInvalid } from './advisories-invalid.ts';

/**
 * What a part of a feed must look like, checked.
 * @param where names the part in the message.
 * @throws ColdpatchError `advisories_invalid`
 */
export function parseRecord<T>(schema: z.ZodType<T>, value: unknown, where: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const place = [where, ...(issue?.path ?? [])].map(String).join('.').slice(0, 200);
  throw advisoriesInvalid(
    `what its format says at ${place}`,
    `found something else (${issue?.message ?? ''})`,
  );
}
