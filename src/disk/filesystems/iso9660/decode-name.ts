/** How the names of a volume are stored. */
export type Naming = 'rock-ridge' | 'joliet' | 'plain';

/** The name of a record without Rock Ridge's, as Linux shows it: without the version, and of plain ISO 9660 in lower case. */
export function decodeName(stored: Buffer, naming: Naming): string {
  return naming === 'joliet' ? decodeJoliet(stored) : decodePlain(stored);
}

function decodeJoliet(stored: Buffer): string {
  const even = Buffer.from(stored.subarray(0, stored.length - (stored.length % 2)));
  const name = even.swap16().toString('utf16le').replace(/;1$/, '');
  return name.replaceAll('/', '_').replace(/(?<=.)\.+$/, '');
}

function decodePlain(stored: Buffer): string {
  const name = stored
    .toString('latin1')
    .replace(/\0[^]*$/, '')
    .replace(/\.?;1$/, '');
  return name.replaceAll(/[;/]/g, '.').replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
}
