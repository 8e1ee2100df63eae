import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Answer, askWorkers } from './worker-pool.ts';

const folder = mkdtempSync(join(tmpdir(), 'coldpatch-workers-'));
const module = pathToFileURL(join(folder, 'worker.mts'));
const pool = new URL('./worker-pool.ts', import.meta.url).href;
const errors = new URL('./errors.ts', import.meta.url).href;

beforeAll(() => {
  writeFileSync(
    module,
    `import { answerInWorker } from '${pool}';
import { ColdpatchError } from '${errors}';
await answerInWorker((request) => {
  if (request === 'spin') for (;;);
  if (request === 'fail') throw new ColdpatchError('image_corrupt', 'Expected bytes.');
  if (request === 'eat') for (const all = []; ; ) all.push(new Array(1000).fill({ all }));
  if (request === 'exit') process.exit(7);
  return request * 2;
});`,
  );
});
afterAll(() => rmSync(folder, { recursive: true }));

async function ask(requests: readonly unknown[]): Promise<readonly Answer<number>[]> {
  const answers: Answer<number>[] = [];
  const options = { module, threads: 2, secondsEach: 2, heapMebibytes: 32 };
  for await (const answer of askWorkers<number>(requests, options)) answers.push(answer);
  return answers;
}

test('answers come in the order of the requests', async () => {
  const requests = Array.from({ length: 20 }, (_, index) => index);
  expect(await ask(requests)).toEqual(requests.map((request) => ({ value: request * 2 })));
});

test('a thread that fails, hangs, eats memory or ends costs its own request alone', async () => {
  const answers = await ask(['fail', 1, 'spin', 2, 'eat', 3, 'exit', 4]);
  expect(answers.map(({ value, error }) => value ?? error.code)).toEqual([
    'image_corrupt',
    2,
    'limit_exceeded',
    4,
    'limit_exceeded',
    6,
    'internal',
    8,
  ]);
});

test('a thread that runs out of memory in the moment in which its time is over is no error of ours', async () => {
  const requests = Array.from({ length: 16 }, () => 'eat');
  const secondsEach = (index: number): number => 0.02 + index * 0.04;
  const options = { module, threads: 2, secondsEach, heapMebibytes: 32 };
  for await (const { error } of askWorkers<number>(requests, options)) {
    expect(error?.code).toBe('limit_exceeded');
  }
});

test('who stops listening leaves no thread behind', async () => {
  for await (const { value } of askWorkers<number>([1, 'spin', 'spin'], {
    module,
    secondsEach: 3,
    heapMebibytes: 32,
  })) {
    expect(value).toBe(2);
    break;
  }
});
