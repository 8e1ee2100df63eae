import type { Binding } from '../binding.ts';

/** What a LUKS header tells without any key. */
export interface LuksHeader {
  readonly version: 1 | 2;
  readonly uuid: string;
  readonly label: string;
  /** `aes-xts-plain64`. */
  readonly cipher: string;
  /** Key slots that are in use. */
  readonly slots: number;
  readonly bindings: readonly Binding[];
}
