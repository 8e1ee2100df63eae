/** Bytes of OpenPGP keys without their ASCII armour (RFC 9580, section 6); bytes without armour are given back. */
export function dearmor(bytes: Uint8Array): Uint8Array {
  // The first octet of a binary packet always has its high bit set.
  if ((bytes[0] ?? 0) >= 0x80) return bytes;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  const blocks: Buffer[] = [];
  const pattern = /-----BEGIN PGP PUBLIC KEY BLOCK-----\r?\n([^]*?)-----END PGP PUBLIC KEY BLOCK-----/g;
  for (const [, body = ''] of text.matchAll(pattern)) {
    const lines = body.split(/\r?\n/).map((line) => line.trim());
    const start = lines.findIndex((line) => !/^[A-Za-z]+: /.test(line));
    const data = lines.slice(start).filter((line) => line !== '' && !line.startsWith('='));
    blocks.push(Buffer.from(data.join(''), 'base64'));
  }
  return blocks.length === 0 ? bytes : Buffer.concat(blocks);
}
