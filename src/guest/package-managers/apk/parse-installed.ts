import type { BrokenPackage, RecordedPackage } from '../types.ts';

/** One package of apk's database. */
export interface ApkPackage extends RecordedPackage {
  /** The package that the same build made, which advisories speak of. */
  readonly origin: string;
  /** What apk says is broken about it: `files`, `script`, `xattr`. */
  readonly broken: readonly string[];
}

export interface ParsedInstalled {
  readonly packages: readonly ApkPackage[];
  /** Entries that make no sense. */
  readonly damaged: number;
  /** There were more entries than are read. */
  readonly isCut: boolean;
}

const maximumPackages = 200_000;
const nameShape = /^[A-Za-z0-9._][A-Za-z0-9+._-]{0,254}$/;
const versionShape = /^[!-~]{1,255}$/;
const architectureShape = /^[A-Za-z0-9_]{1,64}$/;
const brokenFlags = new Map([
  ['f', 'files'],
  ['s', 'script'],
  ['x', 'xattr'],
]);

/** The fields of an entry that are read; all others, such as the lists of files, are passed over. */
const fields = 'PVAof';

/**
 * The entries of `installed`: lines of a letter, a colon and a value, with an empty line behind each entry.
 */
export function parseInstalled(text: string): ParsedInstalled {
  const packages: ApkPackage[] = [];
  let damaged = 0;
  let entry = new Map<string, string>();
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf('\n', start);
    const end = newline === -1 ? text.length : newline;
    if (end === start) {
      if (!addEntry(entry, packages)) damaged += 1;
      entry = new Map();
      if (packages.length === maximumPackages) return { packages, damaged, isCut: true };
    } else if (text[start + 1] !== ':') entry.set('', '');
    else if (fields.includes(text.charAt(start))) entry.set(text.charAt(start), text.slice(start + 2, end));
    start = end + 1;
  }
  if (!addEntry(entry, packages)) damaged += 1;
  return { packages, damaged, isCut: false };
}

/** False when the entry makes no sense. */
function addEntry(entry: ReadonlyMap<string, string>, packages: ApkPackage[]): boolean {
  if (entry.size === 0) return true;
  const name = entry.get('P') ?? '';
  const version = entry.get('V') ?? '';
  const architecture = entry.get('A') ?? '';
  const origin = entry.get('o') ?? name;
  const isWhole =
    !entry.has('') &&
    nameShape.test(name) &&
    versionShape.test(version) &&
    (architecture === '' || architectureShape.test(architecture)) &&
    nameShape.test(origin);
  if (!isWhole) return false;
  const broken = (entry.get('f') ?? '').split('').flatMap((flag) => brokenFlags.get(flag) ?? []);
  packages.push({
    name,
    version,
    architecture,
    manager: 'apk',
    origin,
    source: { name: origin, version },
    broken,
  });
  return true;
}

/** The package as interrupted, if apk says so. */
export function brokenPackage({ name, architecture, broken }: ApkPackage): readonly BrokenPackage[] {
  return broken.length === 0 ? [] : [{ name, architecture, state: `broken ${broken.join(', ')}` }];
}
