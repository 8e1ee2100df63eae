import { expect, test } from 'vitest';
import { readAptConfiguration } from './apt-configuration.ts';
import { memoryTree } from './fixtures/memory-filesystem.ts';
import { parseAptSettings } from './parse-apt-settings.ts';

test('reads what apt would read, in its order', () => {
  const configuration = readAptConfiguration(
    memoryTree({
      'etc/apt/sources.list': 'deb http://mirror.example/debian bookworm main\n',
      'etc/apt/sources.list.d/b.list':
        'deb [arch=amd64 signed-by=/usr/share/keyrings/b.gpg] http://b.example x y\n# deb [signed-by=/no] x\n',
      'etc/apt/sources.list.d/a.sources':
        'Types: deb\nURIs: http://a.example\nSuites: x\nSigned-By:\n /etc/apt/keyrings/a.asc\n /missing.gpg\n',
      'etc/apt/sources.list.d/a.list.save': 'not read',
      'etc/apt/sources.list.d/odd name.list': 'not read',
      'etc/apt/preferences.d/pin': 'Package: *\n',
      'etc/apt/preferences.d/pin.bak': 'not read',
      'etc/apt/trusted.gpg.d/archive.asc': 'KEY',
      'usr/share/keyrings/b.gpg': new Uint8Array([1, 2]),
      'usr/share/keyrings/unreferenced.gpg': 'x',
      'etc/apt/keyrings/a.asc': { link: '../../../../../../usr/share/keyrings/b.gpg' },
    }),
  );
  expect(configuration.sourceFiles.map(({ path }) => path)).toEqual([
    '/etc/apt/sources.list',
    '/etc/apt/sources.list.d/a.sources',
    '/etc/apt/sources.list.d/b.list',
  ]);
  expect(configuration.preferenceFiles.map(({ path }) => path)).toEqual(['/etc/apt/preferences.d/pin']);
  expect(configuration.keyrings.map(({ path }) => path)).toEqual([
    '/etc/apt/trusted.gpg.d/archive.asc',
    '/etc/apt/keyrings/a.asc',
    '/usr/share/keyrings/b.gpg',
  ]);
  expect(configuration.gaps).toEqual([
    { where: '/missing.gpg', reason: 'missing', detail: 'a Signed-By names this keyring' },
  ]);
});

test('takes over the settings of the solver and nothing else', () => {
  const { settings, gaps } = readAptConfiguration(
    memoryTree({
      'etc/apt/apt.conf': 'apt::install-recommends "false";',
      'etc/apt/apt.conf.d/10a': 'APT { Install-Recommends "true"; Architectures { "amd64"; "i386"; }; };',
      'etc/apt/apt.conf.d/20b':
        'DPkg::Pre-Invoke { "rm -rf /"; }; APT::Default-Release "sta ble;X \u0007";\nAPT::Install-Suggests 0;',
    }),
  );
  expect(settings).toEqual({
    'APT::Install-Recommends': 'false',
    'APT::Architectures': 'amd64 i386',
    'APT::Install-Suggests': '0',
  });
  expect(gaps.map(({ reason }) => reason)).toEqual(['unsupported']);
});

test('an enormous source file is a gap', () => {
  const { gaps, sourceFiles } = readAptConfiguration(
    memoryTree({ 'etc/apt/sources.list': { sparse: 1n << 33n } }),
  );
  expect(sourceFiles).toEqual([]);
  expect(gaps).toMatchObject([{ where: '/etc/apt/sources.list', reason: 'limit' }]);
});

test('comments, lists and clearing', () => {
  expect(
    parseAptSettings(
      '// a\n# b "x";\n/* c; */ A::B:: "1"; A { "2"; };\n#clear A::B;\n#include "/etc/passwd";',
    ),
  ).toEqual([
    { name: 'a::b', value: '1', appends: true },
    { name: 'a', value: '2', appends: true },
    { name: 'a::b', value: '', appends: false },
  ]);
});

test('braces without end do not take time or memory', () => {
  expect(parseAptSettings(`${'a{'.repeat(200_000)}${'b c;'.repeat(50_000)}`)).toEqual([]);
});
