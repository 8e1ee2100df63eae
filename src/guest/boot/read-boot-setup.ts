import type { OpenedImage } from '../../disk/types.ts';
import type { Gap } from '../../lib/gap.ts';
import type { FileTree } from '../file-tree.ts';
import { readOrGap } from '../read-or-gap.ts';
import type { BootSetup } from '../types.ts';
import { type GrubMenu, parseGrubMenu } from './parse-grub-menu.ts';
import { parseGrubEnvironment } from './parse-grub-environment.ts';
import { readFirmware } from './read-firmware.ts';

export interface ReadBootSetup {
  readonly boot: BootSetup;
  readonly grubMenu?: GrubMenu;
}

const menuLimit = 4 * 1024 * 1024;
const environmentLimit = 64 * 1024;

/** How the machine starts: its firmware by the partitions and the boot code, its loader by the menu. */
export function readBootSetup(image: OpenedImage, tree: FileTree, gaps: Gap[]): ReadBootSetup {
  const firmware = readFirmware(image, gaps);
  const menu = readOrGap('/boot', gaps, () =>
    ['/boot/grub/grub.cfg', '/boot/grub2/grub.cfg'].find((path) => tree.exists(path)),
  );
  const text = menu && readOrGap(menu, gaps, () => tree.readText(menu, { limit: menuLimit }));
  if (menu === undefined || text === undefined) return { boot: { loader: 'unknown', firmware } };
  const environmentPath = menu.replace(/grub\.cfg$/, 'grubenv');
  const environment = readOrGap(environmentPath, gaps, () =>
    tree.tryReadText(environmentPath, { limit: environmentLimit }),
  );
  const grubMenu = parseGrubMenu(text, parseGrubEnvironment(environment ?? ''));
  for (const command of grubMenu.unread) {
    if (readOrGap(menu, gaps, () => isAbsentCustomMenu(command, tree, menu)) !== true) {
      gaps.push({
        where: menu,
        reason: 'unsupported',
        detail: `what "${command}" adds to the menu was not read`,
      });
    }
  }
  return { boot: { loader: 'grub', menu, firmware }, grubMenu };
}

/** Every menu of grub-mkconfig ends by reading a custom.cfg that hardly any machine has. */
function isAbsentCustomMenu(command: string, tree: FileTree, menu: string): boolean {
  const isCustom = /^source \$\{?(?:config_directory|prefix)\}?\/custom\.cfg$/.test(command);
  return isCustom && !tree.exists(menu.replace(/grub\.cfg$/, 'custom.cfg'));
}
