import type { Gap } from '../../lib/gap.ts';
import type { FileTree } from '../file-tree.ts';
import { readOrGap } from '../read-or-gap.ts';
import type { Identity } from '../types.ts';
import { textOf } from './hive/value-of.ts';
import { openSystemHives } from './open-system-hives.ts';

/** Host name and machine GUID of a Windows. */
export function readIdentity(tree: FileTree, gaps: Gap[]): Identity {
  const { software, controlSet } = openSystemHives(tree, gaps);
  const hostName = readOrGap('SYSTEM', gaps, () => {
    const key = controlSet?.find('Control\\ComputerName\\ComputerName');
    return key && textOf(key, 'ComputerName');
  });
  const machineId = readOrGap('SOFTWARE', gaps, () => {
    const key = software?.find('Microsoft\\Cryptography');
    return key && textOf(key, 'MachineGuid');
  });
  return { ...(hostName && { hostName }), ...(machineId && { machineId }), hostKeys: [] };
}
