import { ColdpatchError } from '../../../lib/errors.ts';

/** One document of a modules.yaml, as far as it says which packages belong to which stream. */
export type ModuleDocument =
  | {
      readonly kind: 'stream';
      readonly module: string;
      readonly stream: string;
      readonly packages: readonly string[];
    }
  | { readonly kind: 'default'; readonly module: string; readonly stream: string };

const maximumLine = 256 * 1024;
const maximumPackages = 200_000;

/**
 * Reads the documents of a modules.yaml, of the block style that libmodulemd writes and every distribution publishes:
 * keys at fixed indentation, and lists of one item a line. It is no reader of YAML at large: what is not of that style
 * is refused, so that no package passes for one without a module.
 *
 * @param what names the list in messages
 * @throws ColdpatchError `repository_corrupt`, `repository_too_large`
 */
export async function* readModules(
  chunks: AsyncIterable<Uint8Array>,
  what: string,
): AsyncGenerator<ModuleDocument, undefined> {
  let draft = emptyDraft();
  for await (const line of linesOf(chunks, what)) {
    if (line === '---' || line === '...' || line.startsWith('--- ')) {
      yield* finish(draft, what);
      draft = emptyDraft();
      continue;
    }
    takeLine(draft, line, what);
  }
  yield* finish(draft, what);
}

interface Draft {
  readonly fields: Map<string, string>;
  readonly packages: string[];
  hasContent: boolean;
  document: string;
  /** The names that lead to the present line, each with its indentation. */
  path: { readonly indent: number; readonly key: string }[];
}

function emptyDraft(): Draft {
  return { fields: new Map(), packages: [], hasContent: false, document: '', path: [] };
}

function takeLine(draft: Draft, line: string, what: string): void {
  const [, spaces = '', content = ''] = /^( *)(.*)$/.exec(line) ?? [];
  if (content === '' || content.startsWith('#')) return;
  draft.hasContent = true;
  const indent = spaces.length;
  const isItem = content.startsWith('- ');
  // An item of a list may stand as far to the left as the name of the list.
  draft.path = draft.path.filter((one) => one.indent < indent || (isItem && one.indent === indent));
  const above = draft.path.map(({ key }) => key).join('/');
  if (isItem) {
    if (above !== 'data/artifacts/rpms') return;
    if (draft.packages.length === maximumPackages)
      throw tooLarge(what, `${maximumPackages} packages in one stream`);
    draft.packages.push(scalar(content.slice(2)));
    return;
  }
  const [, key = '', rest = ''] = /^("[^"]*"|'[^']*'|[^\s:"'#[{][^:]*):(?: +(.*)|)$/.exec(content) ?? [];
  if (key === '') {
    if (indent === 0) throw corrupt(what, content);
    return;
  }
  const name = scalar(key);
  if (indent === 0 && name === 'document') draft.document = scalar(rest);
  if (above === 'data' && ['name', 'module', 'stream'].includes(name)) draft.fields.set(name, scalar(rest));
  // A list in another style would not be read below.
  const path = above === '' ? name : `${above}/${name}`;
  const isOfInterest = path === 'data' || path === 'data/artifacts' || path === 'data/artifacts/rpms';
  const value = rest.replace(/(?:^| )#.*$/, '').trim();
  if (isOfInterest && value !== '' && value !== '[]' && value !== '{}') throw corrupt(what, content);
  // Below a text of several lines there are no names, whatever it looks like.
  if (value === '' || isOfInterest) draft.path.push({ indent, key: name });
  else draft.path.push({ indent, key: `${name} (text)` });
}

function* finish(draft: Draft, what: string): Generator<ModuleDocument, undefined> {
  const { document, fields, packages } = draft;
  if (!draft.hasContent) return;
  const stream = fields.get('stream') ?? '';
  if (document === 'modulemd') {
    const module = fields.get('name') ?? '';
    if (module === '' || stream === '') throw corrupt(what, 'a module without a name or a stream');
    yield { kind: 'stream', module, stream, packages };
    return;
  }
  if (document === 'modulemd-defaults') {
    const module = fields.get('module') ?? '';
    if (module === '') throw corrupt(what, 'defaults without a module');
    if (stream !== '') yield { kind: 'default', module, stream };
    return;
  }
  if (!/^modulemd-[a-z]+$/.test(document)) throw corrupt(what, `a document "${document}"`);
}

/** A value on one line, without its quotes and without a comment behind it. */
function scalar(text: string): string {
  const trimmed = text.trim();
  const [, double, single] = /^(?:"([^"\\]*)"|'([^']*)')\s*(?:#.*)?$/.exec(trimmed) ?? [];
  const comment = trimmed.search(/\s#/);
  return double ?? single ?? (comment === -1 ? trimmed : trimmed.slice(0, comment).trimEnd());
}

async function* linesOf(chunks: AsyncIterable<Uint8Array>, what: string): AsyncGenerator<string, undefined> {
  const decoder = new TextDecoder('utf-8');
  let rest = '';
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > maximumLine) throw tooLarge(what, `${maximumLine} characters in one line`);
    for (const line of lines) yield line.trimEnd();
  }
  yield rest.trimEnd();
}

function corrupt(what: string, found: string): ColdpatchError {
  return new ColdpatchError(
    'repository_corrupt',
    `Expected modules in the style of libmodulemd in ${what}, found "${found.slice(0, 200)}". Tell whoever keeps the repository.`,
  );
}

function tooLarge(what: string, limit: string): ColdpatchError {
  return new ColdpatchError(
    'repository_too_large',
    `Expected at most ${limit} in ${what}, found more. Tell whoever keeps the repository.`,
  );
}
