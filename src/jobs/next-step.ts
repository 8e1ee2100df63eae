import type { HandledStep } from './types.ts';

/** As the table has them, in their order. */
interface KnownStep {
  readonly name: string;
  readonly state: string;
}

/**
 * The step that a run has to take next; undefined when it has none left.
 * A copy that was not promoted is gone: its unit begins again, whatever of it was done.
 */
export function nextStep(steps: readonly KnownStep[]): HandledStep | undefined {
  const unitIsDone = steps.every(({ name, state }) => name !== 'promote' || isOver(state));
  const found = steps.find(({ name, state }) => {
    if (name === 'verify' || name === 'promote') return false;
    return name === 'upgrade' ? !unitIsDone : !isOver(state);
  });
  return found?.name as HandledStep | undefined;
}

function isOver(state: string): boolean {
  return state === 'done' || state === 'skipped';
}
