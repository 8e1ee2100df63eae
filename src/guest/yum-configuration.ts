import type { Gap } from '../lib/gap.ts';
import type { ConfigurationText, KeyringFile } from './apt-configuration.ts';
import type { FileTree } from './file-tree.ts';
import { readOrGap } from './read-or-gap.ts';

/** What the guest's dnf, yum or zypper was told; nothing of it is trusted or interpreted here. */
export interface YumConfiguration {
  /** The `.repo` files, in the order of their directories and names. */
  readonly repositoryFiles: readonly ConfigurationText[];
  /** The first lines of the files of `vars`, by their names. */
  readonly variables: ReadonlyMap<string, string>;
  /** The files below the places where distributions keep their keys. */
  readonly keyrings: readonly KeyringFile[];
  /** By the names of the modules that somebody enabled or disabled. */
  readonly modules: ReadonlyMap<string, ModuleChoice>;
  readonly gaps: readonly Gap[];
}

/** What was decided about a module: `enabled` or `disabled`, and the stream. */
export interface ModuleChoice {
  readonly state: string;
  readonly stream: string;
}

const repositoryDirectories = [
  '/etc/yum.repos.d',
  '/etc/yum/repos.d',
  '/etc/distro.repos.d',
  '/etc/zypp/repos.d',
];
const variableDirectories = ['/etc/yum/vars', '/etc/dnf/vars', '/etc/zypp/vars.d'];
const keyringDirectories = ['/etc/pki/rpm-gpg', '/usr/lib/rpm/gnupg/keys'];
const moduleDirectory = '/etc/dnf/modules.d';

const textLimit = 1024 * 1024;
const variableLimit = 4096;
const keyringLimit = 8 * 1024 * 1024;
const maximumFiles = 500;

/** Reads the configuration of the repositories of a guest. Parts that could not be read are gaps. */
export function readYumConfiguration(tree: FileTree): YumConfiguration {
  const gaps: Gap[] = [];
  const texts = (directories: readonly string[], name: RegExp, limit = textLimit): ConfigurationText[] =>
    filesOf(tree, directories, name, gaps).flatMap((path) => {
      const text = readOrGap(path, gaps, () => tree.tryReadText(path, { limit }));
      return text === undefined ? [] : [{ path, text }];
    });
  const variables = texts(variableDirectories, /^[A-Za-z0-9_]{1,64}$/, variableLimit);
  const modules = texts([moduleDirectory], /^[A-Za-z0-9_+.-]+\.module$/);
  return {
    repositoryFiles: texts(repositoryDirectories, /^[A-Za-z0-9_:+.@-]+\.repo$/),
    variables: new Map(
      variables.map(({ path, text }) => [
        path.slice(path.lastIndexOf('/') + 1),
        text.split('\n')[0]?.trim() ?? '',
      ]),
    ),
    keyrings: filesOf(tree, keyringDirectories, /^[A-Za-z0-9_+.-]+$/, gaps).flatMap((path) => {
      const bytes = readOrGap(path, gaps, () =>
        tree.status(path).type === 'file' ? tree.readFile(path, { limit: keyringLimit }) : undefined,
      );
      return bytes === undefined ? [] : [{ path, bytes }];
    }),
    modules: new Map(modules.flatMap(({ text }) => moduleChoices(text))),
    gaps,
  };
}

function filesOf(
  tree: FileTree,
  directories: readonly string[],
  name: RegExp,
  gaps: Gap[],
): readonly string[] {
  return directories.flatMap((directory) => {
    const found = (readOrGap(directory, gaps, () => tree.names(directory)) ?? []).filter((one) =>
      name.test(one),
    );
    if (found.length > maximumFiles) {
      gaps.push({ where: directory, reason: 'limit', detail: `${found.length} files, ${maximumFiles} read` });
    }
    return found.slice(0, maximumFiles).map((one) => `${directory}/${one}`);
  });
}

/** A section for each module, with `state` and `stream`. */
function moduleChoices(text: string): readonly [string, ModuleChoice][] {
  const found: [string, ModuleChoice][] = [];
  for (const part of text.split(/^(?=\[)/m)) {
    const [, name] = /^\[([^\]\n]+)\]/.exec(part) ?? [];
    if (name === undefined) continue;
    const valueOf = (key: string): string =>
      new RegExp(`^${key}[ \\t]*=[ \\t]*(\\S*)`, 'm').exec(part)?.[1] ?? '';
    found.push([name, { state: valueOf('state'), stream: valueOf('stream') }]);
  }
  return found;
}
