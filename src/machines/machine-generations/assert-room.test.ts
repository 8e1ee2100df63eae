import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { hostStateOf } from '../definitions/host-state.ts';
import { machineStateOf } from '../definitions/machine-state.ts';
import { assertRoom } from './assert-room.ts';
import type { MachineContext } from './read-generation.ts';

const folder = mkdtempSync(join(tmpdir(), 'coldpatch-room-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('the budget is for all members of the next generation, and for the memory of the guest', async () => {
  const path = join(folder, 'disk.img');
  writeFileSync(path, Buffer.alloc(65_536, 1));
  const host = hostStateOf(folder);
  const state = machineStateOf(host, 'web');
  mkdirSync(state.path, { recursive: true });
  const machine = { name: 'web', disks: [{ path, format: 'raw' }], vtpm: null, uefiVariables: null };
  const context = { host, state, machine } as unknown as MachineContext;
  const room = { reserve: 0n, budget: 1_000_000 };
  await assertRoom(context, { ...room, memory: 900_000 });
  await expect(assertRoom(context, { ...room, memory: 950_000 })).rejects.toMatchObject({
    code: 'generation_budget',
  });
});
