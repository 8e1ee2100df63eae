import type { NtfsFile } from './file-table.ts';
import { attributeType, fileName, shortNamespace } from './layout.ts';

/** Hard links of a file: its names less the short ones that Windows keeps beside long ones. */
export function countNames({ attributes }: NtfsFile): number {
  const names = attributes.filter(({ type }) => type === attributeType.fileName);
  return names.filter(({ load }) => {
    const name = load();
    return name.kind === 'resident' && name.value[fileName.namespace] !== shortNamespace;
  }).length;
}
