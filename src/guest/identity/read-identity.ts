import type { Gap } from '../../lib/gap.ts';
import type { FileTree } from '../file-tree.ts';
import { readOrGap } from '../read-or-gap.ts';
import type { HostKey, Identity } from '../types.ts';
import { parseHostKey } from './parse-host-key.ts';

const smallLimit = { limit: 64 * 1024 };
const maximumKeys = 50;

/** What makes this machine different from its clones: host name, machine-id(5), SSH host keys. */
export function readIdentity(tree: FileTree, gaps: Gap[]): Identity {
  const text = (path: string) => readOrGap(path, gaps, () => tree.tryReadText(path, smallLimit)) ?? '';
  const hostName = hostNameOf(text('/etc/hostname'));
  const machineId = /^([0-9a-f]{32})\s*$/.exec(text('/etc/machine-id'))?.[1];
  return {
    ...(hostName !== undefined && { hostName }),
    ...(machineId !== undefined && { machineId }),
    hostKeys: readHostKeys(tree, gaps),
  };
}

/** The first word of the first line that is no comment, hostname(5). */
function hostNameOf(text: string): string | undefined {
  const lines = text.split('\n').map((line) => line.trim());
  const [name] = lines.find((line) => line !== '' && !line.startsWith('#'))?.split(/\s+/) ?? [];
  return name?.slice(0, 255);
}

function readHostKeys(tree: FileTree, gaps: Gap[]): HostKey[] {
  const keys: HostKey[] = [];
  const names = readOrGap('/etc/ssh', gaps, () => tree.names('/etc/ssh')) ?? [];
  for (const name of names.filter((it) => /^ssh_host_\w+_key\.pub$/.test(it)).slice(0, maximumKeys)) {
    const path = `/etc/ssh/${name}`;
    const text = readOrGap(path, gaps, () => tree.tryReadText(path, smallLimit));
    if (text === undefined) continue;
    const key = parseHostKey(text);
    if (key === undefined) gaps.push({ where: path, reason: 'corrupt', detail: 'is no public key of SSH' });
    else keys.push({ path, ...key });
  }
  return keys;
}
