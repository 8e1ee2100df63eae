import { ColdpatchError } from '../../lib/errors.ts';

/** A repository that the operator named. */
export interface OperatorSource {
  /** Empty when the form has none. */
  readonly id: string;
  /** With a slash at its end; may be a file: address. */
  readonly uri: string;
  /** On this host. */
  readonly keyPath: string | undefined;
}

/**
 * Reads one line of the operator: `WORD [ID] ADDRESS [key=FILE]`.
 *
 * @param form as it is shown in messages: `rpm-md ID BASEURL [key=FILE]`
 * @throws ColdpatchError `sources_invalid`
 */
export function parseOperatorSource(line: string, form: string): OperatorSource {
  const wanted = form.split(' ').filter((part) => !part.startsWith('['));
  const parts = line.trim().split(/\s+/);
  const keys = parts.filter((part) => part.startsWith('key='));
  const [word, ...rest] = parts.filter((part) => !part.startsWith('key='));
  const address = rest.at(-1) ?? '';
  const isUsable =
    word === wanted[0] &&
    rest.length === wanted.length - 1 &&
    keys.length <= 1 &&
    URL.canParse(address) &&
    ['http:', 'https:', 'file:'].includes(new URL(address).protocol);
  if (!isUsable) {
    throw new ColdpatchError(
      'sources_invalid',
      `Expected --repository "${form}" for an image of this family, found "${line.slice(0, 200)}".`,
    );
  }
  const { href } = new URL(address);
  return {
    id: rest.length > 1 ? (rest[0] ?? '') : '',
    uri: href.endsWith('/') ? href : `${href}/`,
    keyPath: keys[0]?.slice('key='.length),
  };
}
