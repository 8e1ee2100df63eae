import type { Gap } from '../lib/gap.ts';
import type { FileTree } from './file-tree.ts';
import { parseAptSettings } from './parse-apt-settings.ts';
import { readOrGap } from './read-or-gap.ts';

export interface ConfigurationText {
  /** Absolute, inside the guest. */
  readonly path: string;
  readonly text: string;
}

export interface KeyringFile {
  /** Absolute, inside the guest, as the sources name it. */
  readonly path: string;
  /** Binary or armoured OpenPGP keys. */
  readonly bytes: Uint8Array;
}

/** What the guest's apt was told; nothing of it is trusted or interpreted here. */
export interface AptConfiguration {
  /** `/etc/apt/sources.list` and those of `sources.list.d` that apt would read, in apt's order. */
  readonly sourceFiles: readonly ConfigurationText[];
  /** `/etc/apt/preferences` and `preferences.d`. */
  readonly preferenceFiles: readonly ConfigurationText[];
  /** `trusted.gpg`, `trusted.gpg.d`, and the files that a Signed-By names. */
  readonly keyrings: readonly KeyringFile[];
  /**
   * Settings that change what the solver decides, by the names of `solverSettings`; lists are joined by a space.
   * Values hold only letters, digits and ``.:_*=/+~,- `` (and the space of a list).
   */
  readonly settings: Readonly<Record<string, string>>;
  readonly gaps: readonly Gap[];
}

/** The settings of apt.conf(5) that are taken over; every other one stays in the guest. */
export const solverSettings = [
  'APT::Install-Recommends',
  'APT::Install-Suggests',
  'APT::Default-Release',
  'APT::Architectures',
] as const;

const textLimit = 1024 * 1024;
const keyringLimit = 8 * 1024 * 1024;
const maximumFiles = 500;
const safeValue = /^[A-Za-z0-9.:_*=/+~,-]*$/;

/** Reads the apt configuration of a guest. Parts that could not be read are gaps. */
export function readAptConfiguration(tree: FileTree): AptConfiguration {
  const gaps: Gap[] = [];
  const texts = (paths: readonly string[]) => readTexts(tree, paths, gaps);
  const sourceFiles = texts([
    '/etc/apt/sources.list',
    ...partFiles(tree, '/etc/apt/sources.list.d', ['list', 'sources'], gaps),
  ]);
  const preferenceFiles = texts([
    '/etc/apt/preferences',
    ...partFiles(tree, '/etc/apt/preferences.d', ['', 'pref'], gaps),
  ]);
  const keyringPaths = [
    '/etc/apt/trusted.gpg',
    ...partFiles(tree, '/etc/apt/trusted.gpg.d', ['gpg', 'asc'], gaps),
  ];
  const named = signedByPaths(sourceFiles);
  const settingFiles = texts([
    ...partFiles(tree, '/etc/apt/apt.conf.d', ['', 'conf'], gaps),
    '/etc/apt/apt.conf',
  ]);
  return {
    sourceFiles,
    preferenceFiles,
    keyrings: readKeyrings(tree, keyringPaths, named, gaps),
    settings: settingsOf(settingFiles, gaps),
    gaps,
  };
}

/** The files of a `.d` directory that apt would read: by extension, and with names of plain characters only. */
function partFiles(tree: FileTree, directory: string, extensions: readonly string[], gaps: Gap[]): string[] {
  const all = readOrGap(directory, gaps, () => tree.names(directory)) ?? [];
  const names = all.filter((name) => {
    if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(name)) return false;
    const dot = name.lastIndexOf('.');
    return extensions.includes(dot === -1 ? '' : name.slice(dot + 1));
  });
  if (names.length > maximumFiles) {
    gaps.push({ where: directory, reason: 'limit', detail: `${names.length} files, ${maximumFiles} read` });
  }
  return names.slice(0, maximumFiles).map((name) => `${directory}/${name}`);
}

function readTexts(tree: FileTree, paths: readonly string[], gaps: Gap[]): ConfigurationText[] {
  const found: ConfigurationText[] = [];
  for (const path of paths) {
    const text = readOrGap(path, gaps, () => tree.tryReadText(path, { limit: textLimit }));
    if (text !== undefined) found.push({ path, text });
  }
  return found;
}

function readKeyrings(
  tree: FileTree,
  standing: readonly string[],
  named: readonly string[],
  gaps: Gap[],
): KeyringFile[] {
  const found: KeyringFile[] = [];
  if (named.length > maximumFiles) {
    gaps.push({ where: 'Signed-By', reason: 'limit', detail: `${named.length} keyrings are named` });
  }
  for (const path of new Set([...standing, ...named.slice(0, maximumFiles)])) {
    const exists = readOrGap(path, gaps, () => tree.exists(path));
    if (exists === false && named.includes(path)) {
      gaps.push({ where: path, reason: 'missing', detail: 'a Signed-By names this keyring' });
    }
    if (exists !== true) continue;
    const bytes = readOrGap(path, gaps, () => tree.readFile(path, { limit: keyringLimit }));
    if (bytes !== undefined) found.push({ path, bytes });
  }
  return found;
}

/** Absolute paths in `[signed-by=/a,/b]` of a one-line source and in `Signed-By: /a /b` of a deb822 source. */
function signedByPaths(sources: readonly ConfigurationText[]): string[] {
  const paths = new Set<string>();
  for (const { path, text } of sources) {
    const pattern = path.endsWith('.sources')
      ? /^signed-by[ \t]*:(.*(?:\n[ \t]+\/.*)*)/gim
      : /^[ \t]*deb(?:-src)?[ \t]+\[[^\]\n]*\bsigned-by=([^\s\]]+)/gim;
    for (const [, value = ''] of text.matchAll(pattern)) {
      for (const word of value.split(/[\s,]+/)) if (word.startsWith('/')) paths.add(word);
    }
  }
  return [...paths];
}

function settingsOf(files: readonly ConfigurationText[], gaps: Gap[]): Record<string, string> {
  const settings: Record<string, string> = {};
  const canonical = new Map(solverSettings.map((name) => [name.toLowerCase(), name]));
  for (const { path, text } of files) {
    for (const { name, value, appends } of parseAptSettings(text)) {
      if (/^dir::etc::(?:source|preference|trusted)/.test(name)) {
        gaps.push({ where: path, reason: 'unsupported', detail: `${name} moves apt's configuration` });
      }
      const known = canonical.get(name);
      if (known === undefined) continue;
      if (!safeValue.test(value)) {
        gaps.push({ where: path, reason: 'unsupported', detail: `the value of ${known} has odd characters` });
        continue;
      }
      settings[known] = appends ? `${settings[known] ?? ''} ${value}`.trim() : value;
    }
  }
  return settings;
}
