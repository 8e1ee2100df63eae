import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { lockHostState, openHostState } from '../definitions/host-state.ts';
import type { Machine } from '../definitions/machine.ts';
import { openMachineState } from '../definitions/machine-state.ts';
import { withMachine } from './with-machine.ts';

const folder = mkdtempSync(join(tmpdir(), 'coldpatch-with-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('a machine that was removed and added again meanwhile is the one that is there now', async () => {
  const host = await openHostState(folder);
  const state = await openMachineState(host, 'web');
  const define = (id: string): void => {
    const machine: Machine = {
      schema: 1,
      id,
      name: 'web',
      addedAt: '2026-01-01T00:00:00.000Z',
      disks: [{ path: join(folder, 'disk.img'), format: 'raw' }],
      vtpm: null,
      uefiVariables: null,
      domain: null,
      boot: null,
    };
    writeFileSync(state.definition, JSON.stringify(machine));
  };
  const [before, after] = ['0b5ad2f3-5d3f-4d8e-9a5e-2f1f0b8e4c11', '7c9e6679-7425-40de-944b-e07fc1f90ae7'];
  define(before);
  // What a killed run left is swept first, under the lock that is held here.
  mkdirSync(join(host.machines, 'left'));
  const lock = await lockHostState(host);
  const ids: string[] = [];
  const run = withMachine(folder, 'web', { now: () => new Date() }, ({ machine }) => {
    ids.push(machine.id);
    return Promise.resolve();
  });
  await new Promise((resolve) => setTimeout(resolve, 200));
  define(after);
  await lock.release();
  await run;
  expect(ids).toEqual([after]);
});
