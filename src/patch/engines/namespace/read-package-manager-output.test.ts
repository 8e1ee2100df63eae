import { expect, test } from 'vitest';
import { readPackageManagerOutput } from './read-package-manager-output.ts';

test.each([
  [
    'pmstatus:perl:42.5:Unpacking perl (amd64)',
    { kind: 'progress', progress: { fraction: 0.425, detail: 'Unpacking perl (amd64)' } },
  ],
  ['pmstatus:perl:450:far: too far', { kind: 'progress', progress: { fraction: 1, detail: 'far: too far' } }],
  ['pmstatus:perl:nonsense:x', { kind: 'text', text: 'pmstatus:perl:nonsense:x' }],
  [
    'pmerror:/x/perl.deb:10:trying to overwrite: no',
    { kind: 'error', package: '/x/perl.deb', message: 'trying to overwrite: no' },
  ],
  ['pmconffile:/etc/a:50:keeps /etc/a', { kind: 'text', text: 'kept: keeps /etc/a' }],
  ['dlstatus:1:2:x', { kind: 'status' }],
  ['Setting up perl ...', { kind: 'text', text: 'Setting up perl ...' }],
])('%s', (line, expected) => expect(readPackageManagerOutput(line)).toEqual(expected));
