import { SaxesParser } from 'saxes';
import { isColdpatchError } from '../../../lib/errors.ts';
import { advisoriesInvalid } from '../advisories-invalid.ts';
import type { AdvisoryRecord } from '../types.ts';
import { recordsOfUpdate } from './records-of-update.ts';
import type { Update, UpdatedPackage } from './update.ts';

const deepest = 16;
const silentBytes = 1024 * 1024;
const longestText = 1024 * 1024;
const mostPackages = 100_000;
const mostReferences = 20_000;
const mostCharacters = 32 * 1024 * 1024;

/**
 * Reads `updateinfo.xml` one update after the other.
 * @throws ColdpatchError `advisories_invalid` for what is not such a list, and beyond its limits.
 */
export async function* readUpdates(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<AdvisoryRecord> {
  const reader = createReader();
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let securityUpdates = 0;
  let known = 0;
  for await (const chunk of chunks) {
    for (const update of guarded(() => reader.write(decoder.decode(chunk, { stream: true })))) {
      securityUpdates += 1;
      for (const record of recordsOfUpdate(update)) {
        known += 1;
        yield record;
      }
    }
  }
  guarded(() => {
    decoder.decode();
    reader.end();
  });
  if (securityUpdates > 0 && known === 0) {
    throw advisoriesInvalid('updates of a release that is known', 'none of them tells one');
  }
}

function guarded<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (isColdpatchError(error)) throw error;
    throw advisoriesInvalid('XML', error instanceof Error ? error.message.slice(0, 200) : 'it is not', error);
  }
}

interface Draft {
  id: string;
  title: string;
  severity: string;
  release: string;
  readonly isSecurity: boolean;
  /** Characters that are kept of it. */
  size: number;
  readonly references: string[];
  readonly collections: string[];
  readonly packages: UpdatedPackage[];
}

interface Reader {
  /** The security updates that are complete now. */
  write(text: string): readonly Update[];
  end(): void;
}

function createReader(): Reader {
  const parser = new SaxesParser();
  const path: string[] = [];
  let complete: Update[] = [];
  let draft: Draft | undefined;
  let text = '';
  let silent = 0;
  let isRead = false;

  parser.on('error', (error) => {
    throw error;
  });
  parser.on('doctype', () => {
    throw advisoriesInvalid('XML without a document type', 'it has one');
  });
  parser.on('text', (part) => {
    text += part;
    if (text.length > longestText) throw advisoriesInvalid('short texts', 'one is longer than 1 MiB');
  });
  parser.on('opentag', ({ name, attributes }) => {
    silent = 0;
    text = '';
    if (path.length >= deepest) throw advisoriesInvalid(`a depth of at most ${deepest}`, 'it goes deeper');
    if (path.length === 0 && name !== 'updates')
      throw advisoriesInvalid('the element updates', `found ${name}`);
    isRead = true;
    path.push(name);
    if (path.length === 2 && name === 'update') draft = begin(attributes);
    if (draft !== undefined) open(draft, name, attributes);
  });
  parser.on('closetag', ({ name }) => {
    silent = 0;
    path.pop();
    const words = text.trim();
    text = '';
    if (draft === undefined) return;
    grow(draft, words.length);
    if (
      path.length === 2 &&
      (name === 'id' || name === 'title' || name === 'severity' || name === 'release')
    ) {
      draft[name] = words;
    } else if (path.length === 4 && name === 'name') draft.collections.push(words);
    else if (path.length === 1) {
      if (draft.isSecurity) complete.push(draft);
      draft = undefined;
    }
  });

  return {
    write(part) {
      parser.write(part);
      silent += part.length;
      if (silent > silentBytes + part.length) {
        throw advisoriesInvalid('short texts and elements', 'one is longer than 1 MiB');
      }
      const found = complete;
      complete = [];
      return found;
    },
    end() {
      parser.close();
      if (!isRead) throw advisoriesInvalid('the element updates', 'the file is empty');
    },
  };
}

function begin(attributes: Readonly<Record<string, string>>): Draft {
  return {
    id: '',
    title: '',
    severity: '',
    release: '',
    isSecurity: attributes['type'] === 'security',
    size: 0,
    references: [],
    collections: [],
    packages: [],
  };
}

function open(draft: Draft, name: string, attributes: Readonly<Record<string, string>>): void {
  if (!draft.isSecurity) return;
  for (const value of Object.values(attributes)) grow(draft, value.length);
  if (name === 'reference') {
    draft.references.push(`${attributes['id'] ?? ''} ${attributes['title'] ?? ''}`);
    if (draft.references.length > mostReferences) {
      throw advisoriesInvalid(`at most ${mostReferences} references of an update`, 'there are more');
    }
  } else if (name === 'collection') draft.collections.push(attributes['short'] ?? '');
  else if (name === 'package') {
    const { epoch = '0', version = '', release = '' } = attributes;
    draft.packages.push({ name: attributes['name'] ?? '', epoch, version, release });
    if (draft.packages.length > mostPackages) {
      throw advisoriesInvalid(`at most ${mostPackages} packages of an update`, 'there are more');
    }
  }
}

function grow(draft: Draft, characters: number): void {
  draft.size += characters;
  if (draft.size > mostCharacters) {
    throw advisoriesInvalid(`at most ${mostCharacters} characters of an update`, 'there are more');
  }
}
