import { entry, erasedStandIn, lowerCase } from './layout.ts';

/** Code page 437 from 0x80 on: the one that Linux takes unless it is told another. */
const upperHalf =
  'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0';

/** The 8.3 name of an entry, as Linux shows it when there is no long name. */
export function decodeShortName(bytes: Buffer): string {
  const name = Buffer.from(bytes.subarray(entry.name, entry.name + 11));
  if (name[0] === erasedStandIn) {
    name[0] = 0xe5;
  }
  const caseBits = bytes.readUInt8(entry.caseBits);
  const base = decodePart(name.subarray(0, 8), (caseBits & lowerCase.base) !== 0);
  const extension = decodePart(name.subarray(8), (caseBits & lowerCase.extension) !== 0);
  return extension === '' ? base : `${base}.${extension}`;
}

/** The label in a root directory's entry, which may have spaces inside. */
export function decodeLabel(bytes: Buffer): string {
  const name = Buffer.from(bytes.subarray(entry.name, entry.name + 11));
  if (name[0] === erasedStandIn) {
    name[0] = 0xe5;
  }
  return decodePart(name, false);
}

function decodePart(bytes: Buffer, lower: boolean): string {
  const characters = Array.from(bytes, (byte) =>
    byte < 0x80 ? String.fromCharCode(byte) : upperHalf.charAt(byte - 0x80),
  );
  const text = characters.join('').replace(/ +$/, '');
  return lower ? text.toLowerCase() : text;
}
