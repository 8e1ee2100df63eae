import type { BinaryReader } from '../../../lib/binary-reader.ts';
import { ColdpatchError } from '../../../lib/errors.ts';
import { extension, featureName } from './layout.ts';

export interface HeaderExtensions {
  readonly backingFormat?: string;
  /** Names that the image gives to incompatible features, by bit number. */
  readonly incompatibleNames: ReadonlyMap<number, string>;
}

/** The header extensions from byte `start` up to `end`; unknown ones are passed over, as the specification asks. */
export function parseHeaderExtensions(reader: BinaryReader, start: number, end: number): HeaderExtensions {
  const names = new Map<number, string>();
  let backingFormat: string | undefined;
  let at = start;
  while (at + 8 <= end) {
    const type = reader.u32(at);
    const length = reader.u32(at + 4);
    if (type === extension.end) {
      break;
    }
    const data = at + 8;
    if (length > end - data) {
      throw new ColdpatchError(
        'image_corrupt',
        `Expected header extension 0x${type.toString(16)} to end before byte ${end}, but it has ${length} bytes.`,
      );
    }
    if (type === extension.backingFormat) {
      backingFormat = reader.text(data, length);
    }
    if (type === extension.featureNames) {
      readFeatureNames(reader, data, length, names);
    }
    at = data + Math.ceil(length / 8) * 8;
  }
  return { ...(backingFormat === undefined ? {} : { backingFormat }), incompatibleNames: names };
}

function readFeatureNames(
  reader: BinaryReader,
  start: number,
  length: number,
  names: Map<number, string>,
): void {
  for (let at = start; at + featureName.bytes <= start + length; at += featureName.bytes) {
    if (reader.u8(at + featureName.type) === 0) {
      names.set(reader.u8(at + featureName.bit), reader.text(at + featureName.name, featureName.nameBytes));
    }
  }
}
