/** What the text of a console shows. */
export type ConsoleSign =
  | 'nothing_to_boot'
  | 'boot_loader'
  | 'boot_loader_stuck'
  | 'kernel'
  | 'panic'
  | 'emergency'
  | 'login';

/** Reads a console as it comes. */
export interface ConsoleSigns {
  add(text: string): void;
  /** A sign that was seen stays, but for a prompt at which nothing waits any more. */
  has(sign: ConsoleSign): boolean;
  /** The words that showed it; hostile, at most 200 characters. */
  wordsOf(sign: ConsoleSign): string | undefined;
}

/**
 * SeaBIOS's log (debug port 0x402) and its screen, OVMF, GRUB, the boot loaders of syslinux and systemd, Linux,
 * initramfs-tools, dracut, systemd's emergency shell, getty.
 */
const patterns: Readonly<Record<ConsoleSign, RegExp>> = {
  nothing_to_boot: /No bootable (?:device|option)[^\n]*/,
  boot_loader:
    /Booting from 0000:7c00|GRUB loading|Welcome to GRUB|GNU GRUB|BdsDxe: starting Boot[0-9A-F]{4} "(?!EFI Internal|UEFI PXE|UEFI HTTP)[^\n]*|ISOLINUX|SYSLINUX|EFI stub: /,
  boot_loader_stuck:
    /grub rescue>|(?:^|\n)grub> |Entering rescue mode|Missing operating system|Operating System not found|(?:^|\n)error: [^\n]+/i,
  kernel:
    /Linux version \d[^\n]*|\[ {0,5}\d{1,6}\.\d{6}\] |Loading, please wait\.\.\.|Begin: Loading essential drivers|systemd\[1\]: /,
  panic: /Kernel panic - not syncing[^\n]*/,
  emergency:
    /You are in (?:emergency|rescue) mode[^\n]*|Entering emergency mode[^\n]*|Give root password for maintenance|\(initramfs\) |Gave up waiting for (?:the )?root[^\n]*/i,
  login: /(?:^|\n)(?!Last )[A-Za-z0-9._-]{1,64} login: /,
};

/** UEFI's shell that waits for a command: it has nothing to boot for as long as nothing follows, as commands of startup.nsh do. */
const shellPrompt = /(?:^|\n)Shell> $/;

const signs = Object.keys(patterns) as readonly ConsoleSign[];
/** What may lie between two pieces of text. */
const overlap = 300;
const longestWords = 200;
// biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal's control sequences are what is removed.
const controls = /\u001b\[[0-9;?=]*[A-Za-z]|\u001b[()][A-Za-z0-9]|\u001b[=>c78]|[\0\r\u0007]/g;

export function createConsoleSigns(): ConsoleSigns {
  const found = new Map<ConsoleSign, string>();
  let before = '';
  let isAtPrompt = false;
  return {
    add(text) {
      const window = (before + text).replaceAll(controls, '');
      for (const sign of signs) {
        if (found.has(sign)) continue;
        const words = patterns[sign].exec(window)?.[0];
        if (words !== undefined) found.set(sign, words.trim().slice(0, longestWords));
      }
      isAtPrompt = shellPrompt.test(window);
      before = (before + text).slice(-overlap);
    },
    has: (sign) => found.has(sign) || (sign === 'nothing_to_boot' && isAtPrompt),
    wordsOf: (sign) => found.get(sign) ?? (sign === 'nothing_to_boot' && isAtPrompt ? 'Shell>' : undefined),
  };
}
