import { ColdpatchError } from '../../lib/errors.ts';
import type { UpgradeLog } from './upgrade-log.ts';

const steps = {
  packages: "the guest's package manager to carry out the plan",
  'boot-menu': 'update-grub to write the boot menu of the copy',
};

interface Failure {
  readonly step: keyof typeof steps;
  readonly exitCode: number;
  /** A filesystem of the guest has no room left. */
  readonly isGuestFull: boolean;
}

/** `guest_space`, `package_script_failed` or `engine_failed`, with the last words of the upgrade. */
export function explainUpgradeFailure(
  { text, errors }: Pick<UpgradeLog, 'text' | 'errors'>,
  { step, exitCode, isGuestFull }: Failure,
): ColdpatchError {
  if (isGuestFull) {
    return new ColdpatchError(
      'guest_space',
      'Expected room for the upgrade in the image, but its filesystem is full. ' +
        'Free space inside it or enlarge its disk, then run the update again. The original is as it was.',
    );
  }
  const last = text.slice(-20).join('\n');
  const [first] = errors;
  if (step === 'packages' && first) {
    return new ColdpatchError(
      'package_script_failed',
      `Expected ${first.package} to be installed in the copy, but the package manager says: ${first.message}\n${last}`,
    );
  }
  return new ColdpatchError(
    'engine_failed',
    `Expected ${steps[step]}, but it ended with ${exitCode}:\n${last}`,
  );
}
