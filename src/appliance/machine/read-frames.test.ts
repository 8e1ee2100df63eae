import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Frame, type FrameLimits, readFrames } from './read-frames.ts';

async function framesOf(chunks: readonly Uint8Array[], limits?: FrameLimits): Promise<readonly Frame[]> {
  const frames: Frame[] = [];
  async function* source() {
    yield* chunks;
  }
  for await (const frame of readFrames(source(), limits)) frames.push(frame);
  return frames;
}

const small = { line: 20, total: 100 };

test('frames come whole however the bytes are cut', async () => {
  const bytes = Buffer.from('ready 1\nout a b\nout \nresult x y\nend 7\n');
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(bytes.length)), async (cuts) => {
      const places = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
      const chunks = places.slice(1).map((to, index) => bytes.subarray(places[index], to));
      expect(await framesOf(chunks)).toEqual([
        { kind: 'ready', text: '1' },
        { kind: 'out', text: 'a b' },
        { kind: 'out', text: '' },
        { kind: 'result', text: 'x y' },
        { kind: 'end', exitCode: 7 },
      ]);
    }),
  );
});

test.each([
  ['another kind', 'hello\n'],
  ['an end without a number', 'end soon\n'],
  ['an end with a huge number', 'end 99999999\n'],
  ['a line without an end', 'x'.repeat(30)],
  ['a long line with an end', `out ${'x'.repeat(30)}\n`],
  ['too many lines', 'out y\n'.repeat(30)],
])('%s is an error', async (_, text) => {
  await expect(framesOf([Buffer.from(text)], small)).rejects.toMatchObject({ code: 'appliance_failed' });
});

test('whatever comes, the answer is frames or an error of the catalogue', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 60 })), async (chunks) => {
      await framesOf(chunks, small).catch((error: unknown) =>
        expect(error).toMatchObject({ code: 'appliance_failed' }),
      );
    }),
  );
});
