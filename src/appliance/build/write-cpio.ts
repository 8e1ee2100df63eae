/** A member of an archive. Names have no slash at their start. */
export type CpioEntry =
  | { readonly name: string; readonly type: 'directory' }
  | { readonly name: string; readonly type: 'file'; readonly bytes: Uint8Array; readonly executable: boolean }
  | { readonly name: string; readonly type: 'link'; readonly target: string };

const blockBytes = 512;

/**
 * An initramfs archive in the format `newc` (Linux: Documentation/driver-api/early-userspace/buffer-format.rst).
 * The same entries in whatever order give the same bytes: sorted, owned by root, from 1970.
 */
export function writeCpio(entries: readonly CpioEntry[]): Uint8Array {
  const sorted = entries.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const parts = sorted.map((entry, index) => member(entry.name, modeOf(entry), index + 1, contentOf(entry)));
  const all = [...parts, member('TRAILER!!!', 0, 0, Buffer.alloc(0))];
  const length = all.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat(all, Math.ceil(length / blockBytes) * blockBytes);
}

function modeOf(entry: CpioEntry): number {
  if (entry.type === 'directory') return 0o040755;
  if (entry.type === 'link') return 0o120777;
  return entry.executable ? 0o100755 : 0o100644;
}

function contentOf(entry: CpioEntry): Uint8Array {
  if (entry.type === 'directory') return Buffer.alloc(0);
  return entry.type === 'link' ? Buffer.from(entry.target) : entry.bytes;
}

function member(name: string, mode: number, inode: number, content: Uint8Array): Buffer {
  const nameBytes = Buffer.from(`${name}\0`);
  const links = (mode & 0o170000) === 0o040000 ? 2 : 1;
  // inode, mode, uid, gid, links, mtime, size, device (2), special device (2), length of the name, checksum
  const fields = [inode, mode, 0, 0, links, 0, content.length, 0, 0, 0, 0, nameBytes.length, 0];
  const header = Buffer.from(`070701${fields.map((value) => value.toString(16).padStart(8, '0')).join('')}`);
  return Buffer.concat([padded(Buffer.concat([header, nameBytes])), padded(content)]);
}

function padded(bytes: Uint8Array): Buffer {
  return Buffer.concat([bytes], Math.ceil(bytes.length / 4) * 4);
}
