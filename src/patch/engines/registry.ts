import { ColdpatchError } from '../../lib/errors.ts';
import { applianceEngine } from './appliance/index.ts';
import { bootEngine } from './boot/index.ts';
import { namespaceEngine } from './namespace/index.ts';
import type { Engine } from './types.ts';

/** The only place that names the engines. */
export const engines: readonly Engine[] = [namespaceEngine, applianceEngine, bootEngine];

/** @throws ColdpatchError `usage` when no engine has this name. */
export function engineOf(id: string): Engine {
  const engine = engines.find((candidate) => candidate.id === id);
  if (engine) return engine;
  throw new ColdpatchError(
    'usage',
    `Expected one of the engines ${engines.map((candidate) => candidate.id).join(', ')}, but found "${id}".`,
  );
}
