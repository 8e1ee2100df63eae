import * as layout from './layout.ts';

/**
 * Names of what keeps the filesystem from being read; unknown features by their bit.
 * @param version the version field with its bits. @param incompat 0 below version 5.
 */
export function unreadableFeatures(version: number, incompat: number): readonly string[] {
  const number = version & 0xf;
  if (number !== 4 && number !== 5) {
    return [`version ${number}`];
  }
  const known = layout.unreadable.filter(({ bit }) => (incompat & bit) !== 0);
  const unknown = known.reduce((rest, { bit }) => rest & ~bit, incompat & ~layout.readableIncompat);
  return [
    ...((version & layout.versionBit.directory2) === 0 ? ['directories of version 1'] : []),
    ...known.map(({ name }) => name),
    ...(unknown === 0 ? [] : [`unknown (0x${(unknown >>> 0).toString(16)})`]),
  ];
}
