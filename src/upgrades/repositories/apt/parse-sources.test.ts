import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ColdpatchError } from '../../../lib/errors.ts';
import { parseSources } from './parse-sources.ts';
import { readOperatorSources } from './read-operator-sources.ts';
import type { ParsedSources } from './types.ts';

const ofList = (text: string, architectures = ['amd64']): ParsedSources =>
  parseSources([{ path: '/etc/apt/sources.list', text }], { architectures, fromOperator: false });
const ofDeb822 = (text: string, architectures = ['amd64']): ParsedSources =>
  parseSources([{ path: '/e.sources', text }], { architectures, fromOperator: false });

describe('one-line sources', () => {
  test('are read with their options', () => {
    const text = [
      '# a comment',
      'deb-src http://mirror.example/debian stable main',
      'deb [ arch=amd64,arm64 signed-by=/a.gpg,/b.asc trusted=yes ] http://mirror.example/debian stable main contrib # more',
    ].join('\n');
    expect(ofList(text)).toEqual({
      skipped: [],
      sources: [
        {
          where: '/etc/apt/sources.list:3',
          uri: 'http://mirror.example/debian/',
          suite: 'stable',
          components: ['main', 'contrib'],
          architectures: ['amd64'],
          signedBy: { paths: ['/a.gpg', '/b.asc'], fingerprints: [] },
        },
      ],
    });
  });

  test('of the same repository become one', () => {
    const line = (component: string): string => `deb http://mirror.example/d stable ${component}\n`;
    const { sources } = ofList(line('main') + line('contrib') + line('main'));
    expect(sources.map(({ components }) => components)).toEqual([['main', 'contrib']]);
  });

  test('may be flat, and may name the architecture', () => {
    const { sources } = ofList('deb http://mirror.example/d ./\ndeb http://mirror.example/d for-$(ARCH)/');
    expect(sources.map(({ suite }) => suite)).toEqual(['./', 'for-amd64/']);
  });

  test('for other architectures, of other schemes and with passwords are skipped with a reason', () => {
    const text = [
      'deb [arch=s390x] http://mirror.example/d stable main',
      'deb [arch-=amd64] http://mirror.example/d stable main',
      'deb cdrom:[Debian 12 _Bookworm_ - Official amd64]/ stable main',
      'deb mirror+http://mirror.example/list stable main',
      'deb file:/srv/mirror stable main',
      'deb http://user:secret@mirror.example/d stable main',
    ];
    const parsed = text.map((line) => {
      try {
        return ofList(line)
          .skipped.map(({ reason }) => reason)
          .join();
      } catch (error) {
        return error instanceof ColdpatchError ? error.code : 'other';
      }
    });
    expect(parsed).toEqual([
      expect.stringContaining('architectures'),
      expect.stringContaining('architectures'),
      expect.stringContaining('cdrom:'),
      expect.stringContaining('mirror+http:'),
      expect.stringContaining('files of this host'),
      expect.stringContaining('password'),
    ]);
    expect(parsed.join()).not.toContain('secret');
  });

  test.each([
    'deb',
    'deb http://mirror.example/d',
    'deb http://mirror.example/d stable',
    'deb http://mirror.example/d ./ main',
    'deb [arch=amd64 http://mirror.example/d stable main',
    'deb [arch] http://mirror.example/d stable main',
    'deb /srv/mirror stable main',
    'deb http://mirror.example/d ../../etc main',
    'deb http://mirror.example/d stable ma$in',
    'deb [signed-by=key.gpg] http://mirror.example/d stable main',
    'deb http://mirror.example/[x] stable main',
    'deb http://mirror.example/]d stable main',
    'dep http://mirror.example/d stable main',
    'deb [signed-by=/a] http://mirror.example/d stable main\ndeb [signed-by=/b] http://mirror.example/d stable main',
  ])('are refused with file and line: %s', (text) => {
    const line = text.split('\n').length;
    expect(() => ofList(text)).toThrow(
      expect.objectContaining({
        code: 'sources_invalid',
        message: expect.stringContaining(`/etc/apt/sources.list:${line}`),
      }),
    );
  });

  test('are refused in time when they are endless, but for comments', () => {
    expect(ofList(`${'#'.repeat(200_000)}\u2028`).sources).toEqual([]);
    expect(() => ofList(`deb ${'['.repeat(200_000)}`)).toThrow(
      expect.objectContaining({ code: 'sources_invalid' }),
    );
  });
});

describe('deb822 sources', () => {
  test('are read as all their combinations', () => {
    const text = [
      '# Ubuntu ships this form.',
      'Types: deb deb-src',
      'URIs: http://a.example/d http://b.example/d/',
      'Suites: stable',
      ' stable-updates',
      'Components: main contrib',
      'Signed-By: /k.gpg',
      '',
      'Types: deb-src',
      'URIs: http://c.example/d',
      'Suites: stable',
      'Components: main',
      '',
      'Enabled: no',
      'Types: deb',
      'URIs: http://e.example/d',
      'Suites: stable',
      'Components: main',
    ].join('\n');
    expect(ofDeb822(text).sources.map(({ where, uri, suite }) => [where, uri, suite])).toEqual([
      ['/e.sources:2', 'http://a.example/d/', 'stable'],
      ['/e.sources:2', 'http://a.example/d/', 'stable-updates'],
      ['/e.sources:2', 'http://b.example/d/', 'stable'],
      ['/e.sources:2', 'http://b.example/d/', 'stable-updates'],
    ]);
  });

  test('may bring their key, fingerprints, and architectures', () => {
    const start = 'Types: deb\nURIs: http://a.example/d\nSuites: stable\nComponents: main\n';
    const fingerprint = 'ab'.repeat(20);
    const block = '-----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mDME\n -----END PGP PUBLIC KEY BLOCK-----';
    const [first] = ofDeb822(`${start}Signed-By:\n ${block}\nArchitectures: amd64 i386`, ['i386']).sources;
    expect(first).toMatchObject({
      architectures: ['i386'],
      signedBy: {
        keyBlock: '-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmDME\n-----END PGP PUBLIC KEY BLOCK-----',
      },
    });
    const [second] = ofDeb822(`${start}Signed-By: ${fingerprint}! /k.gpg\n`).sources;
    expect(second?.signedBy).toEqual({ paths: ['/k.gpg'], fingerprints: [`${fingerprint.toUpperCase()}!`] });
  });

  test.each([
    ['URIs: http://a.example/d', '/e.sources:1', 'Types'],
    ['\nTypes: deb\nURIs: http://a.example/d', '/e.sources:2', 'Suites'],
    ['Types: deb\nrubbish', '/e.sources:2', 'Field: value'],
    [' Types: deb', '/e.sources:1', 'continuation'],
  ])('are refused with file and line: %j', (text, where, words) => {
    const message = expect.stringMatching(new RegExp(`${words}.*${where}`));
    expect(() => ofDeb822(text)).toThrow(expect.objectContaining({ code: 'sources_invalid', message }));
  });
});

test('the operator may leave out "deb", and may name folders of this host', () => {
  const { sources } = readOperatorSources(
    ['[arch=amd64] file:/srv/mirror stable main', 'deb http://a.example/d ./'],
    ['amd64'],
  );
  expect(sources.map(({ uri }) => uri)).toEqual(['file:/srv/mirror/', 'http://a.example/d/']);
});

test('whatever the text, there is an answer or a coded error, and no address of another scheme', () => {
  const word = fc.constantFrom(
    'deb',
    '[',
    ']',
    'arch=amd64',
    'http://a.example/',
    'FILE:/x',
    'x/',
    'main',
    '\n',
    '#',
    'Types:',
    'URIs:',
    'Suites:',
    ' ',
  );
  const text = fc.oneof(
    fc.string(),
    fc.array(word).map((words) => words.join(' ')),
  );
  fc.assert(
    fc.property(text, fc.constantFrom('/a.list', '/a.sources'), (content, path) => {
      try {
        const parsed = parseSources([{ path, text: content }], {
          architectures: ['amd64'],
          fromOperator: false,
        });
        for (const { uri } of parsed.sources) expect(uri).toMatch(/^https?:\/\/[^\s]+\/$/i);
      } catch (error) {
        expect(error).toMatchObject({ code: 'sources_invalid' });
      }
    }),
  );
});
