import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ColdpatchError } from '../../../lib/errors.ts';
import { parseRepomd } from './parse-repomd.ts';

const digest = 'ab'.repeat(32);
const data = (more = '', path = 'repodata/p.xml.gz', type = 'sha256'): string =>
  `<data type="primary"><checksum type="${type}">${digest}</checksum><location href="${path}"${more}/>` +
  '<timestamp>1700000000.5</timestamp><size>10</size><open-size>100</open-size></data>';
const whole = (inner: string, revision = '1600000000'): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<repomd xmlns="http://linux.duke.edu/metadata/repo"><revision>${revision}</revision>${inner}</repomd>`;
const parse = (text: string) => parseRepomd(Buffer.from(text), 'a repository');

test('the latest time and the files', async () => {
  expect(await parse(whole(data()))).toEqual({
    date: new Date(1_700_000_000_000),
    files: new Map([
      [
        'primary',
        {
          path: 'repodata/p.xml.gz',
          checksum: { algorithm: 'sha256', digest },
          size: 10,
          openChecksum: undefined,
          openSize: 100,
        },
      ],
    ]),
  });
  expect((await parse(whole(data(), '1800000000'))).date).toEqual(new Date(1_800_000_000_000));
  expect((await parse(whole(data(), 'release-9'))).date).toEqual(new Date(1_700_000_000_000));
});

test.each([
  ['a path above the repository', whole(data('', '../x'))],
  ['an absolute path', whole(data('', '/x'))],
  ['another base', whole(data(' xml:base="http://elsewhere/"'))],
  ['a weak checksum', whole(data('', 'x', 'sha'))],
  ['a checksum of another length', whole(data('', 'x', 'sha512'))],
  ['no time', whole('')],
  ['two roots', `${whole(data())}${whole(data())}`],
  ['an entity', whole('<revision>&xxe;</revision>')],
  ['no bytes', ''],
])('%s is refused', async (_, text) => {
  await expect(parse(text.replace('1600000000', 'r'))).rejects.toMatchObject({ code: 'repository_corrupt' });
});

test('of any bytes never makes it throw anything else', async () => {
  const good = Buffer.from(whole(data()));
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255))), async (changes) => {
      const bytes = Buffer.from(good);
      for (const [at, value] of changes) bytes[at] = value;
      await parseRepomd(bytes, 'x').catch((error: unknown) => expect(error).toBeInstanceOf(ColdpatchError));
    }),
  );
});
