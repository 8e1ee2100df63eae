import { resolve } from 'node:path';
import { ColdpatchError } from '../lib/errors.ts';
import type { Monitor } from '../machines/definitions/machine.ts';

interface MonitorOptions {
  readonly qmp?: string;
  readonly agent?: string;
}

/** The monitor that options name. @throws ColdpatchError `usage` for an agent alone. */
export function monitorOf({ qmp, agent }: MonitorOptions): Monitor | undefined {
  if (qmp !== undefined) return { qmp: resolve(qmp), agent: agent === undefined ? null : resolve(agent) };
  if (agent === undefined) return undefined;
  throw new ColdpatchError('usage', 'Expected --qmp together with --agent.');
}
