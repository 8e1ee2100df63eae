import type { KeyObject } from 'node:crypto';

/** One repository, as a source names it. */
export interface ApkSource {
  /** File and line. */
  readonly where: string;
  /** Without the architecture, and with a slash at its end. */
  readonly uri: string;
  /** On this host, of a source of the operator. */
  readonly keyPath: string | undefined;
}

/** A key that may sign a list. */
export interface ApkKey {
  /** The file name that a signature must give; undefined when the operator named the key for this very source. */
  readonly name: string | undefined;
  readonly key: KeyObject;
}
