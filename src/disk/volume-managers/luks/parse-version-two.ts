import { createHash } from 'node:crypto';
import { binaryReader } from '../../../lib/binary-reader.ts';
import type { ByteSource } from '../../../lib/byte-source.ts';
import { hasBytes } from '../../has-bytes.ts';
import { peek } from '../../peek.ts';
import { quote } from '../../quote.ts';
import { volumeCorrupt } from '../volume-errors.ts';
import type { LuksHeader } from './header.ts';
import { isJsonObject, type JsonObject, objectsIn, parseJsonObject } from './json.ts';
import * as layout from './layout.ts';
import { parseToken } from './parse-token.ts';

const place = layout.versionTwo;
const mostTokens = 32;
const mostSegments = 32;

/** The byte of the second header, or undefined when there is none. */
export function findSecondHeader(volume: ByteSource): bigint | undefined {
  return layout.headerSizes.map(BigInt).find((at) => hasBytes(volume, at, `${layout.secondMagic}\0\x02`));
}

/** The first header whose checksum is right. @throws ColdpatchError `volume_corrupt`. */
export function parseVersionTwo(volume: ByteSource): LuksHeader {
  const second = findSecondHeader(volume);
  const places = second === undefined ? [0n] : [0n, second];
  const found = places.map((at) => readHeader(volume, at)).find((header) => header !== undefined);
  if (found === undefined) {
    throw volumeCorrupt(
      'Expected a header of LUKS 2 that matches its checksum, but neither of the two does.',
    );
  }
  const { tokens, segments, keyslots } = found.areas;
  const ciphers = objectsIn(segments, mostSegments)
    .map(({ encryption }) => encryption)
    .filter((cipher) => typeof cipher === 'string')
    .map((cipher) => (/^[\w.:()-]{1,65}$/.test(cipher) ? cipher : quote(cipher)));
  return {
    version: 2,
    uuid: found.uuid,
    label: found.label,
    cipher: [...new Set(ciphers)].join(', ') || 'an unknown cipher',
    slots: isJsonObject(keyslots) ? Object.keys(keyslots).length : 0,
    bindings: objectsIn(tokens, mostTokens).flatMap(parseToken),
  };
}

interface FoundHeader {
  readonly uuid: string;
  readonly label: string;
  readonly areas: JsonObject;
}

/** Undefined when it is damaged. */
function readHeader(volume: ByteSource, at: bigint): FoundHeader | undefined {
  const magic = at === 0n ? layout.magic : layout.secondMagic;
  const binary = peek(volume, at, place.bytes);
  if (binary === undefined || !hasBytes(volume, at, `${magic}\0\x02`)) return undefined;
  const fields = binaryReader(binary, { order: 'big', code: 'volume_corrupt', what: 'the header of LUKS 2' });
  const size = Number(fields.u64(place.headerSize));
  const bytes = layout.headerSizes.includes(size) ? peek(volume, at, size) : undefined;
  if (bytes === undefined || fields.u64(place.headerOffset) !== at || !isSound(bytes)) return undefined;
  const text = bytes.subarray(place.bytes);
  const end = text.indexOf(0);
  return {
    uuid: fields.text(place.uuid, place.uuidBytes),
    label: fields.text(place.label, place.labelBytes),
    areas: parseJsonObject(
      text.subarray(0, end === -1 ? text.length : end).toString('utf8'),
      'the header of LUKS 2',
    ),
  };
}

function isSound(bytes: Buffer): boolean {
  const nameEnd = bytes.indexOf(0, place.checksumName);
  const name = bytes.toString('latin1', place.checksumName, Math.min(nameEnd, place.checksumName + 32));
  const length = Object.hasOwn(layout.checksumBytes, name) ? layout.checksumBytes[name] : undefined;
  if (length === undefined) return false;
  const digest = createHash(name)
    .update(bytes.subarray(0, place.checksum))
    .update(Buffer.alloc(place.checksumBytes))
    .update(bytes.subarray(place.checksum + place.checksumBytes))
    .digest();
  return digest.equals(bytes.subarray(place.checksum, place.checksum + length));
}
