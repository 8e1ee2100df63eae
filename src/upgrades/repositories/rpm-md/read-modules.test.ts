import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ColdpatchError } from '../../../lib/errors.ts';
import { type ModuleDocument, readModules } from './read-modules.ts';

async function read(text: string, size = 7): Promise<readonly ModuleDocument[]> {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  }
  const found: ModuleDocument[] = [];
  for await (const document of readModules(chunks(), 'a list')) found.push(document);
  return found;
}

/** As libmodulemd writes it. */
const text = `---
document: modulemd
version: 2
data:
  name: nodejs
  stream: "18"
  version: 8080020230718
  static_context: true
  summary: 'Javascript runtime'
  description: >-
    Node.js is a platform
    name: no
    stream: no

    artifacts:
  dependencies:
  - buildrequires:
      platform: [el8]
    requires:
      platform: [el8]
  profiles:
    common:
      rpms:
      - nodejs
      - npm
  components:
    rpms:
      nodejs:
        rationale: Javascript runtime
        name: also no
  artifacts:
    rpms:
    - nodejs-1:18.16.1-1.module+el8.x86_64
    - "npm-1:9.5.1-1.x86_64" # quoted
  xmd:
    name: never
...
---
document: modulemd-defaults
version: 1
data:
  module: nodejs
  modified: 201909261424
  stream: 18
  profiles:
    18: [common]
...
---
document: modulemd-obsoletes
version: 1
data:
  module: nodejs
  stream: "10"
...
`;

describe('modules', () => {
  test('of libmodulemd are read, wherever its bytes are cut', async () => {
    const expected = [
      {
        kind: 'stream',
        module: 'nodejs',
        stream: '18',
        packages: ['nodejs-1:18.16.1-1.module+el8.x86_64', 'npm-1:9.5.1-1.x86_64'],
      },
      { kind: 'default', module: 'nodejs', stream: '18' },
    ];
    expect(await read(text)).toEqual(expected);
    expect(await read(text.replaceAll('    - ', '      - '), 1)).toEqual(expected);
    expect(await read('')).toEqual([]);
  });

  test.each([
    ['a flow', '{"document": "modulemd"}\n'],
    ['a list in a flow', text.replace('    rpms:\n    - nodejs-1', '    rpms: [a]\n    - nodejs-1')],
    ['no name', text.replace('  name: nodejs\n', '')],
    ['no stream', text.replace('  stream: "18"\n', '')],
    ['no kind', text.replace('document: modulemd\n', '')],
    ['another kind', 'document: something\n'],
  ])('with %s are refused', async (_, altered) => {
    await expect(read(altered)).rejects.toMatchObject({ code: 'repository_corrupt' });
  });

  test('with an endless line are refused', async () => {
    const endless = `document: modulemd\n${'a'.repeat(600_000)}`;
    await expect(read(endless, 65_536)).rejects.toMatchObject({ code: 'repository_too_large' });
  });

  test('of any bytes never make it throw anything else', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(text.length), fc.string({ minLength: 1, maxLength: 1 }))),
        async (changes) => {
          let altered = text;
          for (const [at, character] of changes)
            altered = altered.slice(0, at) + character + altered.slice(at + 1);
          await read(altered, 100).catch((error: unknown) => expect(error).toBeInstanceOf(ColdpatchError));
        },
      ),
      { numRuns: 50 },
    );
  });
});
