import { describeFiles } from '../describe-files.ts';
import type { OtherSources, RememberedFile, SourceFile } from '../types.ts';
import { walkFolder } from './walk-folder.ts';

/** Lists the images below a folder with their chains. */
export async function listFolder(
  directory: string,
  remembered: ReadonlyMap<string, RememberedFile>,
  others: OtherSources,
): Promise<readonly SourceFile[]> {
  return describeFiles(await walkFolder(directory), remembered, others);
}
