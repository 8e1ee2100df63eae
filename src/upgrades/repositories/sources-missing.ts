import { ColdpatchError } from '../../lib/errors.ts';
import type { SkippedSource } from '../repository-snapshot.ts';

/** The error of an image without a repository that can be used. `form` is that of the operator's lines. */
export function sourcesMissing(skipped: readonly SkippedSource[], form: string): ColdpatchError {
  const reasons = skipped.map(({ where, reason }) => `${where}: ${reason}`);
  const found =
    reasons.length === 0 ? 'none' : `only what cannot be used (${reasons.slice(0, 5).join('; ')})`;
  return new ColdpatchError(
    'sources_missing',
    `Expected at least one package repository in the configuration of the image, found ${found}. Name one with --repository "${form}".`,
  );
}
