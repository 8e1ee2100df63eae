/** Set-up of the medium tests: each file gets a temporary folder of its own, and fails when it leaves something on the host. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import type { HostState } from './host-state.ts';
import { ownFolderPrefix, readHostState } from './host-state.ts';
import { findLeaks } from './leaks.ts';

const outer = tmpdir();
const own = mkdtempSync(join(outer, ownFolderPrefix));
process.env.TMPDIR = own;
const state = mkdtempSync(join(outer, 'coldpatch-state-'));
// What commands remember of this host is no leak, and is not to be that of the host itself.
process.env.COLDPATCH_STATE_DIRECTORY = join(state, 'state');
const watched = [own, '/run/coldpatch'];
let before: HostState;

beforeAll(() => {
  before = readHostState(watched);
});

// Vitest runs the last hook first, so whatever the tests clean up in their own hooks is gone by now.
afterAll(async () => {
  const leaks = await findLeaks(before, watched);
  process.env.TMPDIR = outer;
  rmSync(state, { recursive: true });
  // Below a mount that was left is somebody's disk.
  if (!leaks.some((leak) => leak.startsWith('mount '))) {
    rmSync(own, { recursive: true });
  }
  if (leaks.length > 0) {
    throw new Error(
      `Expected the tests of this file to leave nothing on the host, found:\n${leaks.join('\n')}`,
    );
  }
});
