import { ColdpatchError } from '../../../lib/errors.ts';

/** The parts of `[epoch:]version[-release]`, PKGBUILD(5). */
export interface PacmanVersion {
  /** Digits. */
  readonly epoch: string;
  readonly version: string;
  /** Undefined when there is none, which orders before every other. */
  readonly release: string | undefined;
}

const maximumLength = 512;
/** Any printable ASCII but blanks, `:`, `/` and `-`, and with a letter or digit last. */
const part = '[!-,.0-9;-~]*[A-Za-z0-9]';
const parts = new RegExp(`^(?:([0-9]+):)?(${part})(?:-(${part}))?$`);

/** @throws `version_invalid` */
export function parsePacmanVersion(text: string): PacmanVersion {
  const match = text.length > maximumLength ? null : parts.exec(text);
  if (match === null) {
    throw new ColdpatchError(
      'version_invalid',
      `Expected a pacman version such as 1:2.3rc1-4, found "${text.slice(0, 80)}". ` +
        'Correct the entry that it stands in.',
    );
  }
  const [, epoch = '0', version = '', release] = match;
  return { epoch, version, release };
}
