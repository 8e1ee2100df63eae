import { SaxesParser } from 'saxes';
import { ColdpatchError } from '../../../lib/errors.ts';

/** What is told of a document, in its order. Depth 1 is the root. */
export interface XmlHandlers {
  open(name: string, attributes: Readonly<Record<string, string>>, depth: number): void;
  /** `text` is what stands directly inside the element, at most as much as its own limit, and without its children's. */
  close(name: string, text: string, depth: number): void;
}

const maximumDepth = 32;
/** Characters of one text. */
const maximumText = 64 * 1024;
/** Bytes without a tag in them: longer ones are an attribute, a comment or a text that nobody needs. */
const maximumSilence = 4 * 1024 * 1024;

/**
 * Reads XML as a stream, without entities of its own, in memory that does not grow with it.
 *
 * @param what names the document in messages
 * @throws ColdpatchError `repository_corrupt` for what is not well formed or too deep, `repository_too_large` for endless parts
 */
export async function readXml(
  chunks: AsyncIterable<Uint8Array>,
  what: string,
  handlers: XmlHandlers,
): Promise<void> {
  const parser = new SaxesParser<{ xmlns: false; position: false }>({ xmlns: false, position: false });
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const texts: string[] = [];
  let silence = 0;
  let isWhole = false;
  parser.on('doctype', () => {
    throw corrupt(what, 'a document type declaration, which metadata has no use for');
  });
  parser.on('opentag', ({ name, attributes }) => {
    silence = 0;
    texts.push('');
    if (texts.length > maximumDepth) throw corrupt(what, `elements nested more than ${maximumDepth} deep`);
    handlers.open(name, attributes, texts.length);
  });
  parser.on('text', (text) => {
    const before = texts.pop();
    if (before === undefined) return;
    if (before.length + text.length > maximumText) {
      throw tooLarge(what, `${maximumText} characters in one element`);
    }
    texts.push(before + text);
  });
  parser.on('closetag', ({ name }) => {
    silence = 0;
    const depth = texts.length;
    handlers.close(name, texts.pop() ?? '', depth);
    if (depth === 1) isWhole = true;
  });
  try {
    for await (const chunk of chunks) {
      silence += chunk.length;
      if (silence > maximumSilence) throw tooLarge(what, `${maximumSilence} bytes without a tag`);
      parser.write(decoder.decode(chunk, { stream: true }));
    }
    parser.write(decoder.decode()).close();
  } catch (error) {
    if (error instanceof ColdpatchError || isOfSystem(error)) throw error;
    throw corrupt(what, reasonOf(error), error);
  }
  if (!isWhole) throw corrupt(what, 'its end in the middle of an element');
}

function isOfSystem(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message.slice(0, 200) : 'something else';
}

function corrupt(what: string, found: string, cause?: unknown): ColdpatchError {
  return new ColdpatchError(
    'repository_corrupt',
    `Expected well-formed XML in ${what}, found ${found}. Use another mirror, and tell whoever keeps this one.`,
    { cause },
  );
}

function tooLarge(what: string, limit: string): ColdpatchError {
  return new ColdpatchError(
    'repository_too_large',
    `Expected at most ${limit} in ${what}, found more. Use another mirror, and tell whoever keeps this one.`,
  );
}
