/** What os-release says of a system: ID, VERSION_ID and VERSION_CODENAME; empty where it says nothing. */
export interface ReleaseNames {
  readonly id: string;
  readonly versionId: string;
  readonly versionCodename: string;
}

/** How many numbers of VERSION_ID make a release: 9.4 is a state of Red Hat's release 9, and 3.19.1 one of Alpine's 3.19. */
const significantNumbers: ReadonlyMap<string, number> = new Map([
  ['alpine', 2],
  ['rhel', 1],
  ['rocky', 1],
  ['almalinux', 1],
  ['centos', 1],
  ['ol', 1],
  ['debian', 1],
]);

/** Releases that roll have a date or nothing for a version. */
const rolling: ReadonlySet<string> = new Set(['opensuse-tumbleweed', 'arch']);

/** The ids under which feeds speak of a release: by its number and by its codename. */
export function releaseIdsOf({ id, versionId, versionCodename }: ReleaseNames): readonly string[] {
  if (rolling.has(id)) return [`${id}:rolling`];
  const numbers = significantNumbers.get(id);
  const version =
    numbers !== undefined && /^\d+(\.\d+)*$/.test(versionId)
      ? versionId.split('.').slice(0, numbers).join('.')
      : versionId;
  const names = [version, versionCodename.toLowerCase()].filter((name) => name !== '');
  return [...new Set(names)].map((name) => `${id}:${name}`);
}
