import type { Provenance } from './types.ts';

/** What one source said, when it was read last. */
export interface Feed extends Provenance {
  /** When the source was last known to say the same still, ISO 8601. */
  readonly checkedAt: string;
  /** The adapter's, when it read the feed. */
  readonly revision: number;
  /** With which the server names this state of it. */
  readonly etag?: string;
  readonly statements: number;
  readonly facts: number;
}
