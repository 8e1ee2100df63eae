import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { hookScript, isHookScript } from './hook-script.ts';

const program = { node: '/bin/echo', main: "/a 'b'/main.ts" };
const script = hookScript({ ...program, stateDirectory: '/' });

test('asks coldpatch before a start, and says nothing of anything else', () => {
  const run = (...args: readonly string[]): string =>
    execFileSync('sh', ['-c', script, 'hook', ...args], { encoding: 'utf8' });
  expect(run('web', 'prepare', 'begin', '-')).toBe(
    "--disable-warning=ExperimentalWarning /a 'b'/main.ts machine may-start\n",
  );
  for (const operation of ['start', 'started', 'stopped', 'release']) {
    expect(run('web', operation, 'begin', '-')).toBe('');
  }
});

test('has nothing to say to those who may not see the machines', () => {
  const other = hookScript({ ...program, stateDirectory: '/nonexistent $x' });
  expect(execFileSync('sh', ['-c', other, 'hook', 'web', 'prepare', 'begin', '-']).toString()).toBe('');
});

test('is known again', () => {
  expect(isHookScript(script)).toBe(true);
  expect(isHookScript('#!/bin/sh\n')).toBe(false);
});
