/** Names of keys and values are Latin-1 when their flag says so, else UTF-16. */
export function decodeName(bytes: Uint8Array, narrow: boolean): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString(narrow ? 'latin1' : 'utf16le');
}

/** As the registry compares names, but for a few letters outside of the basic plane. */
export function foldName(name: string): string {
  return name.toUpperCase();
}
