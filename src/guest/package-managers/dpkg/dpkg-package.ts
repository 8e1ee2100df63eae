import type { InstalledPackage } from '../../types.ts';
import type { Stanza } from './parse-deb822.ts';

/** What was asked for, dpkg(1) "package selection states". */
export type DpkgWant = 'unknown' | 'install' | 'hold' | 'deinstall' | 'purge';

/** How far dpkg came, dpkg(1) "package states". */
export type DpkgState =
  | 'not-installed'
  | 'config-files'
  | 'half-installed'
  | 'unpacked'
  | 'half-configured'
  | 'triggers-awaited'
  | 'triggers-pending'
  | 'installed';

/** A configuration file that dpkg watches over. */
export interface Conffile {
  /** Absolute, inside the guest. */
  readonly path: string;
  /** 32 hexadecimal digits; undefined for `newconffile`: named by a package, never yet installed. */
  readonly md5: string | undefined;
  /** The package no longer ships it. */
  readonly obsolete: boolean;
}

/** One entry of dpkg's status. */
export interface DpkgPackage extends InstalledPackage {
  readonly want: DpkgWant;
  readonly reinstallRequired: boolean;
  readonly state: DpkgState;
  readonly essential: boolean;
  /** `same`, `foreign`, `allowed` or `no`. */
  readonly multiArch: string;
  /** The source package that it was built from; advisories speak of these. */
  readonly source: { readonly name: string; readonly version: string };
  readonly conffiles: readonly Conffile[];
  /** Every other field. */
  readonly stanza: Stanza;
}

const wants: readonly string[] = ['unknown', 'install', 'hold', 'deinstall', 'purge'] satisfies DpkgWant[];
const states: readonly string[] = [
  'not-installed',
  'config-files',
  'half-installed',
  'unpacked',
  'half-configured',
  'triggers-awaited',
  'triggers-pending',
  'installed',
] satisfies DpkgState[];

const nameShape = /^[A-Za-z0-9][A-Za-z0-9+._-]{0,254}$/;
const architectureShape = /^[a-z0-9][a-z0-9-]{0,63}$/;
const versionShape = /^[A-Za-z0-9.+~:_-]{0,512}$/;
const conffileShape = /^(\/.*) ([0-9a-f]{32}|newconffile)((?: obsolete| remove-on-upgrade)*)$/;

/** The entry that a paragraph of a status file holds; undefined when it is damaged. */
export function parseDpkgPackage(stanza: Stanza): DpkgPackage | undefined {
  const name = stanza.get('Package') ?? '';
  const version = stanza.get('Version') ?? '';
  const [want = '', flag = '', state = '', ...rest] = (stanza.get('Status') ?? '').split(/[ \t]+/);
  if (!nameShape.test(name) || !versionShape.test(version)) return undefined;
  if (!isWant(want) || !isState(state) || (flag !== 'ok' && flag !== 'reinstreq') || rest.length > 0) {
    return undefined;
  }
  const architecture = stanza.get('Architecture') ?? '';
  const isOnDisk = state !== 'not-installed' && state !== 'config-files';
  if (isOnDisk && (version === '' || !architectureShape.test(architecture))) return undefined;
  return {
    name,
    version,
    architecture,
    manager: 'dpkg',
    want,
    reinstallRequired: flag === 'reinstreq',
    state,
    stanza,
    get essential() {
      return stanza.get('Essential') === 'yes';
    },
    get multiArch() {
      return stanza.get('Multi-Arch') ?? 'no';
    },
    get source() {
      return sourceOf(stanza.get('Source'), name, version);
    },
    get conffiles() {
      return parseConffiles(stanza.get('Conffiles'));
    },
  };
}

/** Lines of path, digest and flags; a path may hold blanks, so the end of the line decides. */
function parseConffiles(value: string | undefined): Conffile[] {
  const conffiles: Conffile[] = [];
  for (const line of value?.split('\n') ?? []) {
    const [, path = '', digest = '', flags = ''] = conffileShape.exec(line) ?? [];
    if (path === '') continue;
    const md5 = digest === 'newconffile' ? undefined : digest;
    conffiles.push({ path, md5, obsolete: flags.includes('obsolete') });
  }
  return conffiles;
}

/** `Source: name (version)`; what is absent is the same as of the binary package. */
function sourceOf(value: string | undefined, name: string, version: string): DpkgPackage['source'] {
  const [, sourceName = name, sourceVersion = version] = /^(\S+)(?: \((\S+)\))?$/.exec(value ?? '') ?? [];
  return { name: sourceName, version: sourceVersion };
}

function isWant(word: string): word is DpkgWant {
  return wants.includes(word);
}

function isState(word: string): word is DpkgState {
  return states.includes(word);
}
