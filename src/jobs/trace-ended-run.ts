import type { Tracing } from '../lib/tracing/types.ts';
import type { Store } from '../store/open-store.ts';
import { findRun, type StoredRun } from '../store/runs.ts';

/**
 * Reports the span of a run that has ended, whoever began it.
 * Its ids are in the tables, so that neither a killed process nor a wait for days loses it.
 */
export async function traceEndedRun(tracing: Tracing, store: Store, runId: string): Promise<void> {
  if (!tracing.isOn) return;
  const run = await findRun(store, runId);
  if (!run || run.traceparent === null || run.ended_at === null) return;
  tracing.record({
    name: `run ${run.kind}`,
    kind: 'internal',
    traceparent: run.traceparent,
    parentSpan: run.parent_span ?? undefined,
    startedAt: new Date(run.requested_at),
    endedAt: new Date(run.ended_at),
    attributes: {
      ...attributesOfRun(run),
      'coldpatch.run.state': run.state,
      'coldpatch.outcome': outcomeOf(run),
    },
    error: run.state === 'failed' ? (run.error_code ?? 'internal') : undefined,
  });
}

/** What the span of a run and those of its steps say alike. */
export function attributesOfRun(run: StoredRun) {
  return {
    'coldpatch.run.id': run.id,
    'coldpatch.run.kind': run.kind,
    'coldpatch.run.attempt': run.attempt,
    'coldpatch.source.id': run.source_id,
    'coldpatch.image.id': run.image_id ?? undefined,
    'coldpatch.host': run.host ?? undefined,
  };
}

function outcomeOf({ state, outcome }: StoredRun): string | undefined {
  if (state !== 'done' || outcome === null) return undefined;
  const said = (JSON.parse(outcome) as { readonly outcome?: unknown }).outcome;
  return typeof said === 'string' ? said : undefined;
}
