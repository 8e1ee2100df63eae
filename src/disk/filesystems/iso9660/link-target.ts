import { filesystemCorrupt } from './filesystem-corrupt.ts';
import { nameFlag } from './layout.ts';

const longestTarget = 65_535;

/** Joins the components of a link, of which one may go on in the next entry. @param areas the components of each entry. */
export function linkTarget(areas: readonly Buffer[]): string {
  const parts: Buffer[] = [];
  let length = 0;
  let needsSlash = false;
  const push = (part: Buffer): void => {
    parts.push(part);
    length += part.length;
    if (length > longestTarget) {
      throw filesystemCorrupt(`Expected a link of at most ${longestTarget} bytes, but it has more.`);
    }
  };
  for (const area of areas) {
    for (let at = 0; at + 2 <= area.length; ) {
      const flags = area.readUInt8(at);
      const end = at + 2 + area.readUInt8(at + 1);
      if (end > area.length) {
        throw filesystemCorrupt('Expected a component of a link inside its entry, but it ends behind it.');
      }
      if (needsSlash) {
        push(Buffer.from('/'));
      }
      push(componentOf(flags, area.subarray(at + 2, end)));
      needsSlash = (flags & (nameFlag.goesOn | nameFlag.root)) === 0;
      at = end;
    }
  }
  return Buffer.concat(parts).toString('utf8');
}

function componentOf(flags: number, text: Buffer): Buffer {
  if ((flags & nameFlag.root) !== 0) {
    return Buffer.from('/');
  }
  if ((flags & nameFlag.parent) !== 0) {
    return Buffer.from('..');
  }
  return (flags & nameFlag.current) !== 0 ? Buffer.from('.') : text;
}
