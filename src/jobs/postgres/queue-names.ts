import { createHash } from 'node:crypto';
import type { RunKind } from '../../store/tables.ts';
import type { HandledStep } from '../types.ts';

/** Which hosts see the images of a source; undefined: all of them, by the same paths. */
export interface SourcePlace {
  readonly id: string;
  readonly hosts?: readonly string[] | undefined;
}

/** By what the steps of a kind are limited on each host. */
const kindOfStep = {
  collect: 'collect',
  inspect: 'inspect',
  match: 'inspect',
  plan: 'inspect',
  upgrade: 'upgrade',
  rollback: 'rollback',
} as const satisfies Record<HandledStep, RunKind>;

const kinds = ['collect', 'rollback', 'upgrade', 'inspect'] as const satisfies readonly RunKind[];

/** The queue of a step: of its kind, and of the hosts that see the source. A source that is unknown is anybody's. */
export function queueOf(step: HandledStep, sourceId: string, sources: readonly SourcePlace[]): string {
  return `${kindOfStep[step]}/${groupOf(sources.find(({ id }) => id === sourceId))}`;
}

/** The queues of some sources by the kind of their steps; with a host, only those from which it may take. */
export function queuesOf(
  sources: readonly SourcePlace[],
  host?: string,
): readonly { readonly kind: RunKind; readonly name: string }[] {
  const seen = sources.filter(({ hosts }) => host === undefined || (hosts?.includes(host) ?? true));
  const groups = [...new Set(['all', ...seen.map(groupOf)])];
  return kinds.flatMap((kind) => groups.map((group) => ({ kind, name: `${kind}/${group}` })));
}

/** The same name for the same set of hosts, and short however many they are. */
function groupOf(source: SourcePlace | undefined): string {
  if (!source?.hosts) return 'all';
  const hosts = [...new Set(source.hosts)].toSorted();
  return createHash('sha256').update(JSON.stringify(hosts)).digest('hex').slice(0, 16);
}
