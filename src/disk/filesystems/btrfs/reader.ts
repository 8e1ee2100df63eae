import { type ByteSource, readBytes } from '../../../lib/byte-source.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { createLruCache } from '../../../lib/lru-cache.ts';
import type { Filesystem, FileType } from '../types.ts';
import { defaultSubvolume } from './default-subvolume.ts';
import { emptyDirectory, emptyDirectoryInode } from './empty-directory.ts';
import { createPlainCache, fileContent } from './file-content.ts';
import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { fingerprintOf } from './fingerprint.ts';
import { freeSpace } from './free-space.ts';
import { inodeNumber, type InodePlace, inodePlace } from './inode-numbers.ts';
import { itemType, tree } from './layout.ts';
import { listSubvolumes } from './list-subvolumes.ts';
import { openVolumeTrees } from './open-volume-trees.ts';
import { isSubvolumeId } from './is-subvolume-id.ts';
import { type Inode, parseInode } from './parse-inode.ts';
import { readAttributes } from './read-attributes.ts';
import { createReadData } from './read-data.ts';
import { readDirectory } from './read-directory.ts';

const cachedInodes = 1024;
const mostLinkBytes = 4096n;
/** btrfs has no table of inodes: this stands for "no limit". */
const unlimitedInodes = 2n ** 48n;

/** Opens the default subvolume of a btrfs filesystem, and from there all others. */
export function openBtrfs(volume: ByteSource): Filesystem {
  const { superblock, chunks, forest, gaps } = openVolumeTrees(volume);
  const { sectorSize, uuid, label } = superblock;
  const readData = createReadData(chunks, superblock, forest.find(tree.checksum)?.tree);
  const plainCache = createPlainCache();
  const defaultId = defaultSubvolume(forest, superblock.rootDirectory);
  let free: bigint | undefined;

  function openView(shown: bigint): Filesystem {
    const inodes = createLruCache<number, Inode>(cachedInodes);
    function inodeAt({ subvolume, inode }: InodePlace): Inode {
      if (inode === emptyDirectory) {
        return emptyDirectoryInode();
      }
      const bytes = forest.get(subvolume).tree.find({ objectId: inode, type: itemType.inode, offset: 0n });
      if (bytes === undefined) {
        throw filesystemCorrupt(`Expected inode ${inode} in subvolume ${subvolume}, but there is none.`);
      }
      return parseInode(bytes, inode);
    }
    function inodeOf(number: number): Inode {
      const known = inodes.get(number);
      if (known !== undefined) {
        return known;
      }
      const inode = inodeAt(inodePlace(shown, number));
      inodes.set(number, inode);
      return inode;
    }
    function contentOf(number: number, type: FileType): ByteSource {
      const inode = assertType(number, type);
      const place = inodePlace(shown, number);
      const { tree: items } = forest.get(place.subvolume);
      return fileContent({ tree: items, number: place.inode, inode, sectorSize, readData, plainCache });
    }
    function assertType(number: number, type: FileType): Inode {
      const inode = inodeOf(number);
      if (inode.type !== type) {
        throw filesystemCorrupt(`Expected inode ${number} to be a ${type}, but it is a ${inode.type}.`);
      }
      return inode;
    }
    const rootInode = inodeNumber(shown, { subvolume: shown, inode: forest.get(shown).root.directory });
    assertType(rootInode, 'directory');

    return {
      id: 'btrfs',
      uuid,
      label,
      totalBytes: superblock.totalBytes,
      get freeBytes() {
        free ??= freeSpace(forest, chunks, superblock);
        return free;
      },
      freeInodes: unlimitedInodes,
      clean: superblock.logTree === 0n,
      gaps,
      rootInode,
      status(number) {
        const { bytes: _bytes, flags: _flags, ...status } = inodeOf(number);
        return { inode: number, ...status };
      },
      readDirectory(number) {
        assertType(number, 'directory');
        const { subvolume, inode } = inodePlace(shown, number);
        if (inode === emptyDirectory) {
          return [];
        }
        return readDirectory(forest, forest.get(subvolume), inode).map(({ name, ...place }) => ({
          name: Buffer.from(name).toString('utf8'),
          nameBytes: name,
          inode: inodeNumber(shown, place),
        }));
      },
      readLink(number) {
        const content = contentOf(number, 'symlink');
        if (content.size > mostLinkBytes) {
          throw filesystemCorrupt(
            `Expected a link of at most ${mostLinkBytes} bytes, found ${content.size}.`,
          );
        }
        return readBytes(content, 0n, Number(content.size)).toString('utf8');
      },
      openFile: (number) => contentOf(number, 'file'),
      extendedAttributes(number) {
        const { subvolume, inode } = inodePlace(shown, number);
        return inode === emptyDirectory ? new Map() : readAttributes(forest.get(subvolume).tree, inode);
      },
      fingerprint: (number) => fingerprintOf(inodeOf(number)),
      subvolumes: () => listSubvolumes(forest, defaultId),
      openSubvolume(id) {
        const wanted = Number.isSafeInteger(id) && id > 0 ? forest.find(BigInt(id)) : undefined;
        const isSubvolume = wanted !== undefined && isSubvolumeId(wanted.id) && wanted.root.references > 0;
        if (!isSubvolume) {
          throw new ColdpatchError(
            'path_not_found',
            `Expected a subvolume of the id ${id}, but there is none.`,
          );
        }
        return openView(wanted.id);
      },
    };
  }
  return openView(defaultId);
}
