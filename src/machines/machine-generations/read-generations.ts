import type { GenerationLog } from './log.ts';
import { answerOf, type GenerationAnswer, type MachineContext, numbersOf } from './read-generation.ts';

/** All generations of a machine that are there, and those that should be. */
export async function readGenerations(
  context: MachineContext,
  log: GenerationLog,
  options: { readonly digests: boolean; readonly signal?: AbortSignal | undefined },
): Promise<readonly GenerationAnswer[]> {
  const answers: GenerationAnswer[] = [];
  for (const number of await numbersOf(context, log)) {
    answers.push(await answerOf(context, log, number, options));
  }
  return answers;
}
