import { copyFileSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { counterIndex, withTpm } from '../tpm-session.ts';

/** Makes real states of a vTPM whose counter grows, in `work`, unless they are there. */
export async function makeVtpmStates(work: string): Promise<void> {
  const states = join(work, 'vtpm');
  if (existsSync(states)) return;
  const [running, contexts] = [join(work, 'running'), join(work, 'contexts')];
  for (const path of [states, running, contexts]) mkdirSync(path, { recursive: true });
  await withTpm(`dir=${running}`, contexts, (tpm2) => {
    tpm2('nvdefine', '-C', 'o', '-s', '8', '-a', 'ownerread|ownerwrite|nt=counter', counterIndex);
    for (const number of [0, 1, 2, 3, 4]) {
      tpm2('nvincrement', '-C', 'o', counterIndex);
      copyFileSync(join(running, 'tpm2-00.permall'), join(states, String(number)));
    }
  });
  for (const path of [running, contexts]) rmSync(path, { recursive: true });
}
