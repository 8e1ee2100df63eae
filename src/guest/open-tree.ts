import { ColdpatchError } from '../lib/errors.ts';
import { type FileTree, mountTree } from './file-tree.ts';
import { type InspectRequest, openRequestedImage } from './open-requested-image.ts';
import { readGuest } from './read-guest.ts';

export interface TreeRequest extends InspectRequest {
  /** One filesystem by the name that `inspect` prints, in place of the tree that the guest would mount. */
  readonly volume?: string;
}

/**
 * Opens the files of an image: the guest's tree, or one volume. It must be closed.
 *
 * @throws ColdpatchError `system_unknown` when no volume is named and there is no root to begin at; `usage` for a volume that
 *   is not there or holds no files; and whatever opening an image throws.
 */
export function openTree({ volume, ...request }: TreeRequest): {
  readonly tree: FileTree;
  close(): void;
} {
  const image = openRequestedImage(request);
  try {
    const readable = image.volumes.flatMap(({ name, filesystem }) =>
      filesystem ? [{ name, filesystem }] : [],
    );
    const names = readable.map(({ name }) => name).join(', ') || 'none';
    if (volume !== undefined) {
      const chosen = readable.find(({ name }) => name === volume);
      if (chosen)
        return { tree: mountTree([{ path: '/', filesystem: chosen.filesystem }]), close: image.close };
      throw new ColdpatchError(
        'usage',
        `Expected one of the volumes that can be read (${names}), found "${volume}".`,
      );
    }
    const { tree } = readGuest(image);
    if (tree) return { tree, close: image.close };
    const [only, ...others] = readable;
    if (only && others.length === 0) {
      return { tree: mountTree([{ path: '/', filesystem: only.filesystem }]), close: image.close };
    }
    throw new ColdpatchError(
      'system_unknown',
      `Expected the root of an operating system in ${request.path}, but found none. Name a volume with --volume: ${names}.`,
    );
  } catch (error) {
    image.close();
    throw error;
  }
}
