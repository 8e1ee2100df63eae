import { planImage } from '../../app/plan.ts';
import { printJson } from '../print-json.ts';
import { printPlan } from '../print-plan.ts';
import { type RunIo, type RunOptions, startRun } from '../start-run.ts';

export interface PlanOptions extends RunOptions {
  readonly json: boolean;
}

/** `coldpatch plan IMAGE`. */
export async function planCommand(io: RunIo, options: PlanOptions): Promise<void> {
  const { config, request } = startRun(io, options);
  const plan = await planImage(config, request);
  io.print(options.json ? printJson(plan) : printPlan(plan));
}
