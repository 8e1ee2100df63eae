import { expect, test } from 'vitest';
import { readInsideReport } from './read-inside-report.ts';
import type { Probe } from './types.ts';

const probes: readonly Probe[] = [
  { kind: 'tcp', port: 80 },
  { kind: 'command', command: 'true' },
];

async function answerTo(...lines: readonly string[]) {
  async function* source() {
    for (const line of lines) yield Buffer.from(`${line}\n`);
  }
  return readInsideReport(source(), probes);
}

test('a report has state, units, probes and journal', async () => {
  const journal = Buffer.from('a journal');
  const answer = await answerTo(
    'ready 1',
    'result probe 0 0',
    'result probe 1 7',
    'result probe-text 1 it hurts',
    'result system degraded',
    'result failed nginx.service',
    `out ${journal.toString('base64')}`,
    'end 0',
  );
  expect(answer).toEqual({
    answer: 'report',
    report: {
      state: 'degraded',
      failedUnits: ['nginx.service'],
      probes: [
        { name: 'tcp:80', ok: true, detail: 'tcp:80' },
        { name: 'command:true', ok: false, detail: 'command:true ended with 7: it hurts' },
      ],
      journal,
    },
  });
});

test('a probe of which nothing is said did not pass, and others than were asked do not count', async () => {
  const answer = await answerTo('ready 1', 'result probe 9 0', 'result system running', 'end 0');
  expect(answer).toMatchObject({
    report: { probes: [{ ok: false, detail: 'tcp:80 was not tried' }, { ok: false }] },
  });
});

test.each([
  ['an end without a state', ['ready 1', 'end 0'], 'unusable'],
  ['another protocol', ['HELO'], 'unusable'],
  ['a flood', Array.from({ length: 5000 }, () => `out ${'x'.repeat(4000)}`), 'unusable'],
  ['half a report', ['ready 1', 'result system running'], 'nothing'],
  ['nothing', [], 'nothing'],
] as const)('%s is no report', async (_, lines, answer) => {
  expect(await answerTo(...lines)).toMatchObject({ answer });
});

test('more failed units than anybody reads are left out', async () => {
  const units = Array.from({ length: 1000 }, (_, index) => `result failed unit-${index}.service`);
  const answer = await answerTo('ready 1', ...units, 'result system degraded', 'end 0');
  expect(answer.answer === 'report' && answer.report.failedUnits.length).toBe(200);
});
