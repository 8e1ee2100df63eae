import type { Gap } from '../../lib/gap.ts';
import type { FileTree } from '../file-tree.ts';
import { readOrGap } from '../read-or-gap.ts';
import { findWindowsFolder } from './find-windows-folder.ts';
import type { HiveKey } from './hive/types.ts';
import { numberOf } from './hive/value-of.ts';
import { openHiveFile } from './open-hive-file.ts';

export interface SystemHives {
  /** HKEY_LOCAL_MACHINE\SOFTWARE. */
  readonly software?: HiveKey;
  /** HKEY_LOCAL_MACHINE\SYSTEM\CurrentControlSet: the settings of the last start. */
  readonly controlSet?: HiveKey;
}

/** The hives that describe an installed Windows. A hive that is missing or cannot be read is a gap. */
export function openSystemHives(tree: FileTree, gaps: Gap[]): SystemHives {
  const folder = readOrGap('/Windows', gaps, () => findWindowsFolder(tree));
  if (folder === undefined) return {};
  const open = (name: string): HiveKey | undefined => {
    const path = `${folder}/System32/config/${name}`;
    const before = gaps.length;
    const root = openHiveFile(tree, path, gaps);
    if (root === undefined && gaps.length === before) {
      gaps.push({ where: path, reason: 'missing', detail: 'Windows has no such hive' });
    }
    return root;
  };
  const software = open('SOFTWARE');
  const system = open('SYSTEM');
  const controlSet = system && readOrGap('SYSTEM\\Select', gaps, () => currentControlSet(system, gaps));
  return { ...(software && { software }), ...(controlSet && { controlSet }) };
}

/** While Windows does not run, `CurrentControlSet` is no key: `Select` says which of several sets it would be. */
function currentControlSet(system: HiveKey, gaps: Gap[]): HiveKey | undefined {
  const select = system.find('Select');
  const number = (select && numberOf(select, 'Current')) ?? 1;
  const name = `ControlSet${String(number).padStart(3, '0')}`;
  const found = system.find(name);
  if (found === undefined) {
    gaps.push({ where: `SYSTEM\\${name}`, reason: 'missing', detail: 'the registry selects these settings' });
  }
  return found;
}
