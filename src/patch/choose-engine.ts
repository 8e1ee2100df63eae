import { ColdpatchError } from '../lib/errors.ts';
import { engineOf } from './engines/registry.ts';
import type { Engine } from './engines/types.ts';

export interface ChosenEngine {
  readonly engine: Engine;
  /** Why it was chosen; for the plan and the report. */
  readonly engineReason: string;
}

/** What stands for running an engine; undefined for a plan, which runs none. */
export interface EngineConditions {
  readonly trusted: boolean;
  readonly isRoot: boolean;
}

/**
 * Picks the engine.
 *
 * @throws ColdpatchError `trust_required`, `root_required`, `usage`.
 */
export function chooseEngine(asked: string, conditions?: EngineConditions): ChosenEngine {
  const engine = engineOf(asked === 'auto' ? 'namespace' : asked);
  const engineReason = asked === 'auto' ? 'the default' : 'asked for by the operator';
  if (conditions && engine.trustReason !== undefined && !conditions.trusted) {
    throw new ColdpatchError(
      'trust_required',
      `Expected an image that is declared trusted, because with the engine ${engine.id} ${engine.trustReason}. ` +
        'If you trust everybody who could write into this image, say --trust-image.',
    );
  }
  if (conditions && engine.rootReason !== undefined && !conditions.isRoot) {
    throw new ColdpatchError(
      'root_required',
      `Expected to run as root, because with the engine ${engine.id} ${engine.rootReason}. Run the command with sudo.`,
    );
  }
  return { engine, engineReason };
}
