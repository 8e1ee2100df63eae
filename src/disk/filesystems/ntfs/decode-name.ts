/** A name in UTF-16, and its bytes in UTF-8; half pairs, which Windows allows, keep their code as three bytes (WTF-8). */
export function decodeName(utf16: Uint8Array): { readonly name: string; readonly nameBytes: Uint8Array } {
  const name = Buffer.from(utf16).toString('utf16le');
  if (name.isWellFormed()) {
    return { name, nameBytes: Buffer.from(name, 'utf8') };
  }
  const pieces = Array.from(name, (character) =>
    character.isWellFormed() ? Buffer.from(character, 'utf8') : threeBytes(character.charCodeAt(0)),
  );
  return { name, nameBytes: Buffer.concat(pieces) };
}

function threeBytes(code: number): Buffer {
  return Buffer.from([0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f)]);
}
