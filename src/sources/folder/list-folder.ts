import type { ImageFormatId } from '../../disk/image-formats/types.ts';
import type { RememberedFile, SourceFile } from '../types.ts';
import { type ChainLink, readLink } from './read-link.ts';
import { type FolderFile, walkFolder } from './walk-folder.ts';

const longestChain = 32;

interface Member extends FolderFile {
  readonly link: ChainLink;
}

/** Lists the images below a folder with their chains. A backing file outside of it makes an image unusable. */
export async function listFolder(
  directory: string,
  remembered: ReadonlyMap<string, RememberedFile>,
): Promise<readonly SourceFile[]> {
  const members = new Map<string, Member>();
  for (const file of await walkFolder(directory)) {
    const link = linkBefore(file, remembered.get(file.path)) ?? readLink(file.path);
    if (link) members.set(file.path, { ...file, link });
  }
  const bases = new Set([...members.values()].flatMap(({ link }) => link.backing ?? []));
  return [...members.values()].map(({ path, size, modifiedAt, link }) => {
    const { backing, problem } = chainOf(path, members);
    const role = bases.has(path) ? 'base' : 'leaf';
    return { locator: path, size, modifiedAt, format: link.format, backing, role, problem };
  });
}

/** The first of the chain before is what the header names; a file with a problem is read again. */
function linkBefore(file: FolderFile, before: RememberedFile | undefined): ChainLink | undefined {
  if (before === undefined || before.problem !== null) return undefined;
  if (before.size !== file.size || before.modifiedAt !== file.modifiedAt) return undefined;
  return { format: before.format as ImageFormatId | null, backing: before.backing[0] ?? null, problem: null };
}

function chainOf(
  path: string,
  members: ReadonlyMap<string, Member>,
): Pick<SourceFile, 'backing' | 'problem'> {
  const backing: string[] = [];
  for (let at = members.get(path); at; at = members.get(at.link.backing ?? '')) {
    if (at.link.problem !== null) return { backing, problem: at.link.problem };
    const next = at.link.backing;
    if (next === null) return { backing, problem: null };
    if (next === path || backing.includes(next) || backing.length >= longestChain)
      return { backing: [], problem: 'image_corrupt: its backing files make a circle or are too many' };
    if (!members.has(next))
      return { backing: [], problem: `backing_file_undeclared: ${next} is not an image of this source` };
    backing.push(next);
  }
  return { backing, problem: null };
}
