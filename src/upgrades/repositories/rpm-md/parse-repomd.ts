import { ColdpatchError } from '../../../lib/errors.ts';
import { readXml } from './read-xml.ts';
import type { Checksum, MetadataFile, Repomd } from './types.ts';

const maximumFiles = 1000;
const algorithms: readonly Checksum['algorithm'][] = ['sha256', 'sha384', 'sha512'];
const digestLengths = { sha256: 64, sha384: 96, sha512: 128 } as const;
/** A path that leaves the repository, or an address of its own, would fetch from somewhere that nobody named. */
const safePath = /^(?!\/)(?!.*(?:^|\/)\.\.(?:\/|$))[\x21-\x7e]+$/;
const seconds = /^(\d{9,11})(?:\.\d+)?$/;

/**
 * Reads a repomd.xml, as createrepo_c writes it.
 *
 * @param what names the repository in messages
 * @throws ColdpatchError `repository_corrupt`, `repository_too_large`
 */
export async function parseRepomd(bytes: Uint8Array, what: string): Promise<Repomd> {
  const files = new Map<string, MetadataFile>();
  let type: string | undefined;
  let fields = new Map<string, string>();
  let newest = 0;
  const seen = (text: string): void => {
    newest = Math.max(newest, Number(seconds.exec(text.trim())?.[1] ?? 0));
  };
  await readXml(once(bytes), `the repomd.xml of ${what}`, {
    open(name, attributes, depth) {
      if (depth === 1 && name !== 'repomd') throw corrupt(what, 'the element repomd', name);
      if (depth === 2 && name === 'data') {
        type = attributes.type ?? '';
        fields = new Map();
      }
      if (depth !== 3) return;
      for (const key of ['type', 'href', 'xml:base']) {
        const value = attributes[key];
        if (value !== undefined) fields.set(`${name} ${key}`, value);
      }
    },
    close(name, text, depth) {
      if (depth === 2 && name === 'revision') seen(text);
      if (depth === 3) fields.set(name, text.trim());
      if (depth !== 2 || name !== 'data' || type === undefined) return;
      seen(fields.get('timestamp') ?? '');
      if (files.size === maximumFiles) throw corrupt(what, `at most ${maximumFiles} files`, 'more');
      if (!files.has(type)) files.set(type, fileOf(fields, type, what));
    },
  });
  if (newest === 0) throw corrupt(what, 'a timestamp', 'none');
  return { date: new Date(newest * 1000), files };
}

function fileOf(fields: ReadonlyMap<string, string>, type: string, what: string): MetadataFile {
  const path = fields.get('location href') ?? '';
  if (!safePath.test(path) || fields.has('location xml:base')) {
    throw corrupt(what, `a path of ${type} below the repository`, path.slice(0, 200));
  }
  const checksum = checksumOf(fields, 'checksum');
  if (checksum === undefined) {
    throw corrupt(
      what,
      `a checksum of ${type} (${algorithms.join(', ')})`,
      fields.get('checksum type') ?? 'none',
    );
  }
  return {
    path,
    checksum,
    size: sizeOf(fields.get('size')),
    openChecksum: checksumOf(fields, 'open-checksum'),
    openSize: sizeOf(fields.get('open-size')),
  };
}

function checksumOf(fields: ReadonlyMap<string, string>, name: string): Checksum | undefined {
  const algorithm = algorithms.find((one) => one === fields.get(`${name} type`));
  const digest = fields.get(name)?.toLowerCase() ?? '';
  if (algorithm === undefined || !/^[0-9a-f]+$/.test(digest)) return undefined;
  return digest.length === digestLengths[algorithm] ? { algorithm, digest } : undefined;
}

function sizeOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function corrupt(what: string, expected: string, found: string): ColdpatchError {
  return new ColdpatchError(
    'repository_corrupt',
    `Expected ${expected} in the repomd.xml of ${what}, found "${found}". Tell whoever keeps the repository.`,
  );
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
