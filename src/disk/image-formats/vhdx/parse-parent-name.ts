import type { BinaryReader } from '../../../lib/binary-reader.ts';
import { corrupt } from './corrupt.ts';
import { locator, vhdxLocator } from './layout.ts';

/** Keys that name the parent, the one that moves with the disk first. */
const pathKeys = ['relative_path', 'absolute_win32_path', 'volume_path'];

/**
 * The parent as a parent locator names it (section 2.6.2.6), with slashes.
 * Of paths of the Windows host only the last part: it means nothing else here.
 */
export function parseParentName(item: BinaryReader): string {
  const type = Buffer.from(item.bytes(locator.type, 16)).toString('hex');
  if (type !== vhdxLocator) throw corrupt(`its parent locator is of the type ${type}`);
  const count = item.u16(locator.count);
  if (count > locator.most) throw corrupt(`its parent locator has ${count} entries`);
  const values = new Map<string, string>();
  for (let index = 0; index < count; index += 1) {
    const at = locator.entries + index * locator.entryBytes;
    const key = textOf(item, item.u32(at), item.u16(at + 8));
    values.set(key, textOf(item, item.u32(at + 4), item.u16(at + 10)));
  }
  const key = pathKeys.find((name) => values.has(name));
  const path = (values.get(key ?? '') ?? '').replaceAll('\\', '/');
  const name = key === 'relative_path' ? path.replace(/^\.\//, '') : path.slice(path.lastIndexOf('/') + 1);
  if (name === '') throw corrupt('its parent locator names no parent');
  return name;
}

function textOf(item: BinaryReader, offset: number, length: number): string {
  return Buffer.from(item.bytes(offset, length)).toString('utf16le').replace(/\0.*$/s, '');
}
