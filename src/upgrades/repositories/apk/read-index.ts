import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { ColdpatchError } from '../../../lib/errors.ts';
import { tarEntries } from '../../../lib/tar-entries.ts';

/** A package as an APKINDEX lists it. */
export interface ListedPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
}

const openLimit = 512 * 1024 * 1024;
const maximumLine = 1024 * 1024;
const maximumPackages = 1_000_000;
const nameShape = /^[A-Za-z0-9._][A-Za-z0-9+._-]{0,254}$/;
const versionShape = /^[!-~]{1,255}$/;
const architectureShape = /^[A-Za-z0-9_]{1,64}$/;

/**
 * Reads the packed tar archive with the file APKINDEX: lines of a letter, a colon and a value, an empty line behind
 * each package.
 *
 * @param what names the repository in messages
 * @returns when the list was made, as the archive says
 * @throws ColdpatchError `repository_corrupt`, `repository_too_large`
 */
export async function readIndex(
  packed: Buffer,
  what: string,
  onPackage: (listed: ListedPackage) => void,
): Promise<Date> {
  try {
    for await (const entry of tarEntries(unpack(packed, what), { what, code: 'repository_corrupt' })) {
      if (entry.name !== 'APKINDEX' || entry.type !== '0') continue;
      await readPackages(entry.content, what, onPackage);
      return new Date(entry.modifiedAt * 1000);
    }
  } catch (error) {
    if (error instanceof ColdpatchError) throw error;
    throw corrupt(what, 'a list that can be unpacked', String(error), error);
  }
  throw corrupt(what, 'the file APKINDEX', 'none');
}

async function* unpack(packed: Buffer, what: string): AsyncGenerator<Uint8Array, undefined> {
  let size = 0;
  const gunzip = Readable.from([packed]).pipe(createGunzip());
  for await (const chunk of gunzip as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > openLimit) throw tooLarge(what, `${openLimit} bytes once unpacked`);
    yield chunk;
  }
}

async function readPackages(
  content: AsyncIterable<Uint8Array>,
  what: string,
  onPackage: (listed: ListedPackage) => void,
): Promise<void> {
  const decoder = new TextDecoder('utf-8');
  let rest = '';
  let count = 0;
  let fields = new Map<string, string>();
  const take = (line: string): void => {
    if (line !== '') {
      if (line[1] !== ':') throw corrupt(what, 'a letter and a colon at the beginning of each line', line);
      if ('PVA'.includes(line.charAt(0))) fields.set(line.charAt(0), line.slice(2));
      return;
    }
    if (fields.size === 0) return;
    count += 1;
    if (count > maximumPackages) throw tooLarge(what, `${maximumPackages} packages`);
    onPackage(listedPackage(fields, what));
    fields = new Map();
  };
  for await (const chunk of content) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > maximumLine) throw tooLarge(what, `${maximumLine} characters in one line`);
    for (const line of lines) take(line);
  }
  take(rest);
  take('');
}

function listedPackage(fields: ReadonlyMap<string, string>, what: string): ListedPackage {
  const name = fields.get('P') ?? '';
  const version = fields.get('V') ?? '';
  const architecture = fields.get('A') ?? 'noarch';
  if (nameShape.test(name) && versionShape.test(version) && architectureShape.test(architecture)) {
    return { name, version, architecture };
  }
  throw corrupt(what, 'the name and version of a package', `${name} ${version} ${architecture}`);
}

function corrupt(what: string, expected: string, found: string, cause?: unknown): ColdpatchError {
  return new ColdpatchError(
    'repository_corrupt',
    `Expected ${expected} in the list of ${what}, found "${found.slice(0, 200)}". Tell whoever keeps the repository.`,
    { cause },
  );
}

function tooLarge(what: string, limit: string): ColdpatchError {
  return new ColdpatchError(
    'repository_too_large',
    `Expected at most ${limit} in the list of ${what}, found more. Tell whoever keeps the repository.`,
  );
}
