import { expect, test } from 'vitest';
import { ColdpatchError } from '../../lib/errors.ts';
import { pause } from './pause.ts';

test('whoever is interrupted in a pause is told by what', async () => {
  const reason = new ColdpatchError('interrupted', 'SIGINT');
  const controller = new AbortController();
  const pausing = pause(60_000, controller.signal);
  controller.abort(reason);
  await expect(pausing).rejects.toBe(reason);
  await pause(1, new AbortController().signal);
});
