/**
 * Which rooms of src/ a room may import from, itself aside.
 *
 * `types` are rooms from which only types may be imported: they are gone when the program runs.
 */
export interface RoomRule {
  readonly values: readonly string[];
  readonly types?: readonly string[];
}

/** Rooms that only `app` may wire together; it alone imports from all of them. */
const wired = [
  'lib',
  'appliance',
  'config',
  'disk',
  'guest',
  'upgrades',
  'patch',
  'machines',
  'sources',
  'store',
  'jobs',
] as const;

/** A room is a folder of src/. One that is not in this table is a violation. */
export const roomTable: Readonly<Record<string, RoomRule>> = {
  lib: { values: [] },
  config: { values: ['lib'] },
  appliance: { values: ['lib'] },
  disk: { values: ['lib'] },
  guest: { values: ['lib', 'disk'] },
  upgrades: { values: ['lib', 'disk', 'guest'] },
  patch: { values: ['lib', 'appliance', 'disk', 'guest', 'upgrades'] },
  machines: { values: ['lib', 'appliance', 'disk'] },
  sources: { values: ['lib', 'disk'] },
  store: { values: ['lib'] },
  jobs: { values: ['lib', 'store'] },
  api: { values: ['lib', 'config', 'app'], types: ['guest', 'upgrades', 'patch', 'machines', 'jobs'] },
  cli: { values: ['lib', 'config', 'app', 'api'], types: ['guest', 'upgrades', 'patch', 'machines'] },
  app: { values: wired },
};

/** The room of a path below src/: `disk/types.ts` is in `disk`. */
export function roomOf(path: string): string {
  const [first = ''] = path.split('/');
  return first.replace(/\.ts$/, '');
}
