import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { variablesOf } from './expand-variables.ts';
import { parseSources } from './parse-sources.ts';

const rocky = { id: 'rocky', versionId: '9.4', architecture: 'x86_64' };

function parse(text: string, own: Readonly<Record<string, string>> = {}, system = rocky) {
  return parseSources([{ path: '/r.repo', text }], variablesOf(system, new Map(Object.entries(own))));
}

describe('a .repo file', () => {
  test('names sources with what belongs to them', () => {
    const { sources, skipped, doubts } = parse(
      '# comment\n[main]\nbaseurl=http://no/\n[one]\nname = One\nbaseurl = http://a/$releasever/${basearch}\n' +
        'gpgkey=file:///etc/pki/k1\n  https://x/k2 file:/etc/pki/k3\nmodule_hotfixes=1\n[two]\nenabled=0\nbaseurl=http://b/\n',
    );
    expect(sources).toEqual([
      {
        where: '/r.repo:4 [one]',
        id: 'one',
        uri: 'http://a/9/x86_64/',
        keyPaths: ['/etc/pki/k1', '/etc/pki/k3'],
        moduleHotfixes: true,
      },
    ]);
    expect([skipped, doubts]).toEqual([[], []]);
  });

  test('may give several addresses, of which the first that can be used counts', () => {
    expect(parse('[a]\nbaseurl=ftp://a/,\n  https://b/\n  https://c/\n').sources).toMatchObject([
      { uri: 'https://b/' },
    ]);
  });

  test.each([
    [
      '$releasever of Fedora',
      'http://a/$releasever/',
      {},
      { ...rocky, id: 'fedora', versionId: '40' },
      'http://a/40/',
    ],
    ['its own variable', 'http://a.$awsregion.b/', { awsregion: 'eu' }, rocky, 'http://a.eu.b/'],
    ['an empty variable', 'http://yum$ociregion.a/', { ociregion: '' }, rocky, 'http://yum.a/'],
    ['its own $releasever', 'http://a/$releasever/', { releasever: '9.2' }, rocky, 'http://a/9.2/'],
    ['$basearch of 32 bits', 'http://a/$basearch/', {}, { ...rocky, architecture: 'i686' }, 'http://a/i386/'],
    ['$releasever_major', 'http://a/$releasever_major/', {}, rocky, 'http://a/9/'],
  ])('with %s', (_, address, own, system, uri) => {
    expect(parse(`[a]\nbaseurl=${address}\n`, own, system).sources).toMatchObject([{ uri }]);
  });

  test.each([
    ['[a]\nbaseurl=http://$nobody/\n', /unknown variable/],
    ['[a]\nbaseurl=http://${x:-y}/\n', /unknown variable/],
    ['[a]\nbaseurl=http://u:p@a/\n', /password/],
    ['[a]\nbaseurl=http://a/?x\n', /query/],
    ['[a]\nbaseurl=:\n', /no address/],
    ['[a b]\nbaseurl=http://a/\n', /name/],
    ['[a]\nname=x\n', /no baseurl/],
    ['[a]\nbaseurl=http://a/\npath=/sub\n', /its path is not followed/],
    ['[a]\nmirrorlist=http://a/\n', /mirrorlist is not followed/],
    ['[a]\nusername=x\nbaseurl=http://a/\n', /password/],
  ])('that cannot be used is skipped with a reason: %j', (text, reason) => {
    expect(parse(text)).toMatchObject({ sources: [], skipped: [{ reason: expect.stringMatching(reason) }] });
  });

  test('with rules that are not followed is used, and a doubt', () => {
    const { sources, doubts } = parse('[a]\nbaseurl=http://a/\nexcludepkgs=kernel*\npriority=1\n');
    expect(sources).toHaveLength(1);
    expect(doubts.map(({ reason }) => reason)).toEqual([
      'its excludepkgs is not followed',
      'its priority is not followed',
    ]);
  });

  test('with a variable of which nothing is known is skipped', () => {
    const { sources, skipped } = parse(
      '[a]\nbaseurl=http://a/$releasever\n',
      {},
      { ...rocky, versionId: '' },
    );
    expect([sources, skipped.length]).toEqual([[], 1]);
  });

  test('of any text makes only addresses of the web', () => {
    const word = fc.constantFrom(
      '[',
      ']',
      'a',
      '\n',
      ' ',
      '=',
      'baseurl',
      'http://',
      'file://',
      '$',
      '{',
      '..',
      '@',
    );
    fc.assert(
      fc.property(fc.array(word), (words) => {
        for (const { uri } of parse(words.join('')).sources) expect(uri).toMatch(/^https?:\/\/.*\/$/);
      }),
    );
  });
});
