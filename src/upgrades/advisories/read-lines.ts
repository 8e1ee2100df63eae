import { advisoriesInvalid } from './advisories-invalid.ts';

/** Lines without their ends, of at most `maximumLength` characters each. */
export async function* readLines(
  chunks: AsyncIterable<Uint8Array>,
  maximumLength: number,
): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let rest = '';
  for await (const chunk of chunks) {
    const lines = (rest + decode(decoder, chunk)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of [...lines, rest]) {
      if (line.length > maximumLength) {
        throw advisoriesInvalid(`lines of at most ${maximumLength} characters`, 'one is longer');
      }
    }
    for (const line of lines) yield line.endsWith('\r') ? line.slice(0, -1) : line;
  }
  rest += decode(decoder);
  if (rest !== '') yield rest;
}

function decode(decoder: InstanceType<typeof TextDecoder>, chunk?: Uint8Array): string {
  try {
    return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true });
  } catch (error) {
    throw advisoriesInvalid('text in UTF-8', 'it has other bytes', error);
  }
}
