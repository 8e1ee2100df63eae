import { ColdpatchError } from '../../../lib/errors.ts';

/** What a version of apk is made of, in its order. */
export type ApkToken =
  | { readonly kind: 'first' | 'number' | 'suffix-number' | 'revision'; readonly digits: string }
  | { readonly kind: 'letter' | 'commit'; readonly text: string }
  /** The place of the suffix among all; below 0 when it says that the version is not released yet. */
  | { readonly kind: 'suffix'; readonly place: number };

const maximumLength = 512;
const early = ['alpha', 'beta', 'pre', 'rc'];
const late = ['cvs', 'svn', 'git', 'hg', 'p'];
const shape =
  /^([0-9]+)((?:\.[0-9]+)*)([a-z]?)((?:_(?:alpha|beta|pre|rc|cvs|svn|git|hg|p)[0-9]*)*)(?:~([0-9a-f]+))?(?:-r([0-9]+))?$/;

/**
 * The tokens of `1.2.3b_rc4_p5~0123abc-r6`, apk-package(5).
 *
 * @throws `version_invalid`
 */
export function parseApkVersion(version: string): readonly ApkToken[] {
  const match = version.length > maximumLength ? null : shape.exec(version);
  if (match === null) {
    throw new ColdpatchError(
      'version_invalid',
      `Expected an apk version such as 1.2.3b_rc4-r5, found "${version.slice(0, 80)}". ` +
        'Correct the entry that it stands in.',
    );
  }
  const [, first = '', numbers = '', letter = '', suffixes = '', commit, revision] = match;
  return [
    { kind: 'first', digits: first },
    ...numbers
      .split('.')
      .slice(1)
      .map((digits): ApkToken => ({ kind: 'number', digits })),
    ...(letter === '' ? [] : [{ kind: 'letter', text: letter } as const]),
    ...suffixes.split('_').slice(1).flatMap(suffixTokens),
    ...(commit === undefined ? [] : [{ kind: 'commit', text: commit } as const]),
    ...(revision === undefined ? [] : [{ kind: 'revision', digits: revision } as const]),
  ];
}

function suffixTokens(suffix: string): readonly ApkToken[] {
  const name = suffix.replace(/[0-9]+$/, '');
  const digits = suffix.slice(name.length);
  const place = early.includes(name) ? early.indexOf(name) - early.length : late.indexOf(name);
  return [{ kind: 'suffix', place }, ...(digits === '' ? [] : [{ kind: 'suffix-number', digits } as const])];
}
