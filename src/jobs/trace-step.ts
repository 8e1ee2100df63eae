import { isColdpatchError } from '../lib/errors.ts';
import type { Span, Tracing } from '../lib/tracing/types.ts';
import type { StoredRun } from '../store/runs.ts';
import { attributesOfRun } from './trace-ended-run.ts';
import type { StepResult } from './types.ts';

/** The spans of a step, or of steps that are carried out as one. */
export interface StepTrace {
  /** The step before is over, and `name` begins. */
  enter(name: string): void;
  end(answer: StepResult): void;
  fail(error: unknown): void;
}

/** Children of the span of the run, one for each step; a step that is tried again has another one. */
export function traceStep(tracing: Tracing, run: StoredRun, first: string): StepTrace {
  const begin = (step: string): Span =>
    tracing.start({
      name: `step ${step}`,
      kind: 'internal',
      parent: run.traceparent ?? undefined,
      attributes: { ...attributesOfRun(run), 'coldpatch.step': step },
    });
  let span = begin(first);
  return {
    enter(name) {
      span.end();
      span = begin(name);
    },
    end({ next, result: { outcome } }) {
      span.set({
        'coldpatch.next': next,
        'coldpatch.outcome': typeof outcome === 'string' ? outcome : undefined,
      });
      span.end();
    },
    fail: (error) => span.end(isColdpatchError(error) ? error.code : 'internal'),
  };
}
