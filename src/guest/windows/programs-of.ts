import type { InstalledPackage } from '../types.ts';
import type { HiveKey } from './hive/types.ts';
import { textOf } from './hive/value-of.ts';

const uninstallPath = 'Microsoft\\Windows\\CurrentVersion\\Uninstall';

/** Programs that can be uninstalled, of the machine: its own view, and that of 32-bit programs. */
export function programsOf(software: HiveKey, architecture: string): readonly InstalledPackage[] {
  return [
    ...programsIn(software.find(uninstallPath), architecture),
    ...programsIn(software.find(`WOW6432Node\\${uninstallPath}`), 'x86'),
  ];
}

/** Programs that a user has for himself. @param user the root of his NTUSER.DAT. */
export function programsOfUser(user: HiveKey, architecture: string): readonly InstalledPackage[] {
  return programsIn(user.find(`Software\\${uninstallPath}`), architecture);
}

function programsIn(key: HiveKey | undefined, architecture: string): readonly InstalledPackage[] {
  return (key?.subkeys() ?? []).flatMap((program) => {
    const name = textOf(program, 'DisplayName');
    if (!name) return [];
    const version = textOf(program, 'DisplayVersion') ?? '';
    return [{ name, version, architecture, manager: 'windows-uninstall' as const }];
  });
}
