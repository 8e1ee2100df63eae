import type { ImageFormatId } from '../disk/image-formats/types.ts';
import { type ChainLink, readLink } from './read-link.ts';
import type { OtherSources, RememberedFile, SourceFile } from './types.ts';

const longestChain = 32;

/** A regular file that a source found. */
export interface FoundFile {
  readonly path: string;
  readonly size: number;
  readonly modifiedAt: string;
  readonly owner?: string | undefined;
  /** What whoever starts its machine takes it for, when that is known. */
  readonly declaredFormat?: string | undefined;
}

interface Member extends FoundFile {
  readonly link: ChainLink;
}

/** Which of the files are images, and their chains. A backing file that is in no source makes an image unusable, and is the last of its chain. */
export function describeFiles(
  files: readonly FoundFile[],
  remembered: ReadonlyMap<string, RememberedFile>,
  others: OtherSources,
): readonly SourceFile[] {
  const members = new Map<string, Member>();
  for (const file of files) {
    const link = linkBefore(file, remembered.get(file.path)) ?? readLink(file.path, file.declaredFormat);
    if (link) members.set(file.path, { ...file, link });
  }
  const chains = new Map([...members.keys()].map((path) => [path, chainOf(path, members, others)]));
  const direct = [...members.values()].flatMap(({ link }) => link.backing ?? []);
  const bases = new Set([...direct, ...[...chains.values()].flatMap(({ backing }) => backing)]);
  return [...members.values()].map(({ path, size, modifiedAt, link, owner = null }) => {
    const { backing, problem } = chains.get(path) ?? { backing: [], problem: null };
    const role = bases.has(path) || others.bases.has(path) ? 'base' : 'leaf';
    return { locator: path, size, modifiedAt, format: link.format, backing, role, owner, problem };
  });
}

/** The first of the chain before is what the header names; a file with a problem is read again. */
function linkBefore(file: FoundFile, before: RememberedFile | undefined): ChainLink | undefined {
  if (before === undefined || before.problem !== null) return undefined;
  if (before.size !== file.size || before.modifiedAt !== file.modifiedAt) return undefined;
  if (file.declaredFormat !== undefined && file.declaredFormat !== before.format) return undefined;
  return { format: before.format as ImageFormatId | null, backing: before.backing[0] ?? null, problem: null };
}

function chainOf(
  path: string,
  members: ReadonlyMap<string, Member>,
  others: OtherSources,
): Pick<SourceFile, 'backing' | 'problem'> {
  const backing: string[] = [];
  for (let at = path; ; ) {
    const own = members.get(at);
    if (own && own.link.problem !== null) return { backing, problem: own.link.problem };
    const next = own ? own.link.backing : others.members.get(at)?.backing[0];
    if (typeof next !== 'string') return { backing, problem: null };
    if (next === path || backing.includes(next) || backing.length >= longestChain)
      return { backing: [], problem: 'image_corrupt: its backing files make a circle or are too many' };
    if (!members.has(next) && !others.members.has(next))
      return {
        backing: [...backing, next],
        problem: `backing_file_undeclared: ${next} is not an image of a source`,
      };
    backing.push(next);
    at = next;
  }
}
