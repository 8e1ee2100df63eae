import { parseDeb822 } from '../../../guest/package-managers/dpkg/parse-deb822.ts';
import { ColdpatchError } from '../../../lib/errors.ts';

export interface ReleaseFile {
  /** Bytes. */
  readonly size: number;
  readonly sha256: string;
}

/** A Release file, whose signature has been verified. */
export interface Release {
  readonly suite: string | undefined;
  readonly codename: string | undefined;
  readonly date: Date;
  readonly validUntil: Date | undefined;
  readonly acquireByHash: boolean;
  readonly notAutomatic: boolean;
  /** Lists of architecture-independent packages stand beside the others. */
  readonly hasListsForAll: boolean;
  /** By their path below the Release file. */
  readonly files: ReadonlyMap<string, ReleaseFile>;
}

/** @throws ColdpatchError `repository_corrupt` */
export function parseRelease(text: Uint8Array, what: string): Release {
  const [stanza] = parseDeb822(text, { stanzaBytes: 64 * 1024 * 1024 });
  if (stanza === undefined) throw corrupt(what, 'fields', 'none');
  const date = parseDate(stanza.get('Date'));
  const validUntil = stanza.get('Valid-Until');
  const validUntilDate = parseDate(validUntil);
  if (date === undefined) throw corrupt(what, 'a Date', stanza.get('Date') ?? 'none');
  if (validUntil !== undefined && validUntilDate === undefined)
    throw corrupt(what, 'a date in Valid-Until', validUntil);
  const sums = stanza.get('SHA256');
  if (sums === undefined) throw corrupt(what, 'SHA-256 sums', 'none, so nothing of it can be verified');
  const architectures = (stanza.get('Architectures') ?? '').split(/\s+/);
  const noSupport = (stanza.get('No-Support-for-Architecture-all') ?? '').split(/\s+/);
  return {
    suite: stanza.get('Suite'),
    codename: stanza.get('Codename'),
    date,
    validUntil: validUntilDate,
    acquireByHash: stanza.get('Acquire-By-Hash')?.toLowerCase() === 'yes',
    notAutomatic: stanza.get('NotAutomatic')?.toLowerCase() === 'yes',
    hasListsForAll: architectures.includes('all') && !noSupport.includes('Packages'),
    files: parseSums(sums, what),
  };
}

function parseSums(text: string, what: string): ReadonlyMap<string, ReleaseFile> {
  const files = new Map<string, ReleaseFile>();
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const [, sha256, digits, path] = /^([0-9a-fA-F]{64})\s+(\d{1,15})\s+(\S+)$/.exec(line) ?? [];
    if (sha256 === undefined || path === undefined) throw corrupt(what, 'lines "SHA256 size path"', line);
    files.set(path, { size: Number(digits), sha256: sha256.toLowerCase() });
  }
  return files;
}

/** The form of RFC 5322, in UTC: `Sat, 11 Jul 2026 10:16:37 UTC`. */
function parseDate(text: string | undefined): Date | undefined {
  if (text === undefined) return undefined;
  if (!/^(?:\w{3}, *)?\d{1,2} \w{3} \d{4} \d{1,2}:\d{2}:\d{2} (?:UTC|GMT|Z|[+-]\d{4})$/.test(text))
    return undefined;
  const date = new Date(text.replace(/ Z$/, ' UTC'));
  return Number.isNaN(date.getTime()) ? undefined : date;
}

function corrupt(what: string, expected: string, found: string): ColdpatchError {
  return new ColdpatchError(
    'repository_corrupt',
    `Expected ${expected} in the Release of ${what}, found ${found.slice(0, 200)}. Tell whoever keeps the repository.`,
  );
}
