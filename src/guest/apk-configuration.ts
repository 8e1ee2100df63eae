import type { Gap } from '../lib/gap.ts';
import type { ConfigurationText, KeyringFile } from './apt-configuration.ts';
import type { FileTree } from './file-tree.ts';
import { readOrGap } from './read-or-gap.ts';

/** What the guest's apk was told; nothing of it is trusted or interpreted here. */
export interface ApkConfiguration {
  /** `/etc/apk/repositories` and the lists of `repositories.d`. */
  readonly repositoryFiles: readonly ConfigurationText[];
  /** Public keys (PEM), by their file names that signatures give. */
  readonly keys: readonly KeyringFile[];
  /** The words of `/etc/apk/world`: what was asked for, some with a version or a tag. */
  readonly world: readonly string[];
  readonly gaps: readonly Gap[];
}

const keyLimit = 64 * 1024;
const worldLimit = 4 * 1024 * 1024;
const maximumFiles = 200;

/** Reads the configuration of the repositories of a guest. Parts that could not be read are gaps. */
export function readApkConfiguration(tree: FileTree): ApkConfiguration {
  const gaps: Gap[] = [];
  const files = (directory: string, name: RegExp): readonly string[] => {
    const found = (readOrGap(directory, gaps, () => tree.names(directory)) ?? []).filter((one) =>
      name.test(one),
    );
    if (found.length > maximumFiles) {
      gaps.push({ where: directory, reason: 'limit', detail: `${found.length} files, ${maximumFiles} read` });
    }
    return found.slice(0, maximumFiles).map((one) => `${directory}/${one}`);
  };
  const lists = ['/etc/apk/repositories', ...files('/etc/apk/repositories.d', /^[A-Za-z0-9_.-]+\.list$/)];
  const world = readOrGap('/etc/apk/world', gaps, () =>
    tree.tryReadText('/etc/apk/world', { limit: worldLimit }),
  );
  return {
    repositoryFiles: lists.flatMap((path) => {
      const text = readOrGap(path, gaps, () => tree.tryReadText(path));
      return text === undefined ? [] : [{ path, text }];
    }),
    keys: files('/etc/apk/keys', /^[A-Za-z0-9_.@+-]+\.pub$/).flatMap((path) => {
      const text = readOrGap(path, gaps, () => tree.tryReadText(path, { limit: keyLimit }));
      return text === undefined ? [] : [{ path, bytes: Buffer.from(text) }];
    }),
    world: (world ?? '').split(/\s+/).filter((word) => word !== ''),
    gaps,
  };
}
