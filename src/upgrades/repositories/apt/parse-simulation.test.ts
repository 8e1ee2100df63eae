import { expect, test } from 'vitest';
import { parseSimulation } from './parse-simulation.ts';

test('reads what is installed, upgraded, removed and kept', () => {
  const output = `Reading package lists...
The following packages will be REMOVED:
  rival
The following packages have been kept back:
  held-one both:i386
  held-two
The following packages will be upgraded:
  app
Remv rival [1.0] [app:amd64 ]
Inst app [1.0-1] (2:2.0-1 Debian:12.15/oldstable, Debian-Security:12/oldstable-security [amd64]) []
Inst both:i386 [1] (2 localhost [i386])
Inst linux-image-6.1.0-56-amd64 (6.1.192-2 Debian-Security:12/oldstable-security [amd64])
Inst docs [1] (2 [all])
Conf app (2:2.0-1 Debian:12.15/oldstable [amd64])
`;
  expect(parseSimulation(output)).toEqual({
    installs: [
      { name: 'app', architecture: 'amd64', from: '1.0-1', to: '2:2.0-1' },
      { name: 'both', architecture: 'i386', from: '1', to: '2' },
      { name: 'linux-image-6.1.0-56-amd64', architecture: 'amd64', from: null, to: '6.1.192-2' },
      { name: 'docs', architecture: 'all', from: '1', to: '2' },
    ],
    removals: [{ name: 'rival', from: '1.0' }],
    keptBack: ['held-one', 'both:i386', 'held-two'],
    essentialRemovals: [],
    unmet: new Map(),
  });
});

test('reads which essential packages would go', () => {
  const output = `WARNING: The following essential packages will be removed.
This should NOT be done unless you know exactly what you are doing!
  bash (due to app) coreutils
0 upgraded, 0 newly installed
`;
  expect(parseSimulation(output).essentialRemovals).toEqual(expect.arrayContaining(['bash', 'coreutils']));
});

test('reads why dependencies cannot be met', () => {
  const output = `The following packages have unmet dependencies:
 app : Depends: library (>= 2) but it is not installable
       Recommends: docs but it is not going to be installed
 other:i386 : Breaks: app (< 3)
E: Unable to correct problems, you have held broken packages.
`;
  expect([...parseSimulation(output).unmet]).toEqual([
    [
      'app',
      'Depends: library (>= 2) but it is not installable; Recommends: docs but it is not going to be installed',
    ],
    ['other:i386', 'Breaks: app (< 3)'],
  ]);
});
