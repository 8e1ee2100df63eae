import type { ConsoleSign, ConsoleSigns } from './console-signs.ts';

/** Seconds that a sign is given for what may still follow. */
const settling = { panic: 3, nothing_to_boot: 5, boot_loader_stuck: 30, emergency: 5, login: 5 };
/** The job inside reports from the emergency mode too, but not from a shell of the initramfs. */
const emergencyReport = 90;

/**
 * Tells when nothing more is to be expected of a start.
 *
 * @param isAsked a job inside reports.
 */
export function createBootPatience(
  signs: Pick<ConsoleSigns, 'has'>,
  isAsked: boolean,
): { readonly isOver: () => boolean } {
  const since = new Map<ConsoleSign, number>();
  const isSettled = (sign: keyof typeof settling, seconds: number): boolean => {
    if (!signs.has(sign)) {
      since.delete(sign);
      return false;
    }
    const now = performance.now();
    if (!since.has(sign)) since.set(sign, now);
    return now - (since.get(sign) ?? now) > seconds * 1000;
  };
  return {
    isOver() {
      if (isSettled('panic', settling.panic)) return true;
      if (isSettled('emergency', isAsked ? emergencyReport : settling.emergency)) return true;
      if (!isAsked && isSettled('login', settling.login)) return true;
      if (signs.has('kernel') || signs.has('login')) return false;
      return (
        isSettled('boot_loader_stuck', settling.boot_loader_stuck) ||
        (!signs.has('boot_loader') && isSettled('nothing_to_boot', settling.nothing_to_boot))
      );
    },
  };
}
