import { z } from 'zod';
import { type Report, reportSchema } from './report.ts';

/** What the predicate of a promotion's statement means. */
export const promotionPredicate = 'urn:coldpatch:promotion:v1';

const digest = z.strictObject({ sha256: z.string().regex(/^[0-9a-f]{64}$/) });

const promotionSchema = z.strictObject({
  schema: z.literal(1),
  promotedAt: z.iso.datetime(),
  /** The image that was upgraded, and is kept as this generation. */
  input: z.strictObject({ image: z.string(), digest, generation: z.number().int().positive() }),
  plan: z.strictObject({ changes: reportSchema.shape.changes, held: reportSchema.shape.held }),
  repositories: reportSchema.shape.repositories,
  engine: reportSchema.shape.engine,
  files: reportSchema.shape.files,
  verification: reportSchema.shape.verification,
});

/** How an image came from another: what was planned, from where it was taken, who carried it out, and what was checked. */
export type Promotion = Readonly<z.infer<typeof promotionSchema>>;

/** Undefined for a run that promoted nothing. */
export function describePromotion(
  report: Report,
  promotedAt: Date,
):
  | { readonly subject: { readonly name: string; readonly sha256: string }; readonly promotion: Promotion }
  | undefined {
  const { image, before, after, changes, held, repositories, engine, files, verification, generation } =
    report;
  if (generation === null) return undefined;
  const promotion = promotionSchema.parse({
    schema: 1,
    promotedAt: promotedAt.toISOString(),
    input: { image, digest: { sha256: before.digest }, generation },
    plan: { changes, held },
    repositories,
    engine,
    files,
    verification,
  });
  return { subject: { name: image, sha256: after.digest }, promotion };
}

/** The promotion that a statement's predicate describes, or undefined when it is something else. */
export function readPromotion(predicateType: string, predicate: unknown): Promotion | undefined {
  return predicateType === promotionPredicate ? promotionSchema.safeParse(predicate).data : undefined;
}
