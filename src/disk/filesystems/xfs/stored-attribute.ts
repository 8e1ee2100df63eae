import { attributeFlag } from './layout.ts';

/** An attribute as it is kept: its value, or where that lies. */
export interface StoredAttribute {
  readonly flags: number;
  /** Without the namespace, which the flags tell. */
  readonly name: Uint8Array;
  readonly value: Uint8Array | ValuePlace;
}

export interface ValuePlace {
  /** Block of the attribute fork. */
  readonly block: number;
  /** Bytes. */
  readonly length: number;
}

/** The kernel's own limit for the value of an attribute. */
export const longestValue = 65_536;

const listNames: ReadonlyMap<string, string> = new Map([
  ['SGI_ACL_FILE', 'system.posix_acl_access'],
  ['SGI_ACL_DEFAULT', 'system.posix_acl_default'],
]);

/** The name that programs use, and whether it is an access control list; undefined for what they never see. */
export function visibleName({
  flags,
  name,
}: StoredAttribute): { readonly name: string; readonly isList: boolean } | undefined {
  if ((flags & (attributeFlag.incomplete | attributeFlag.parent)) !== 0) {
    return undefined;
  }
  const text = Buffer.from(name).toString('utf8');
  if ((flags & attributeFlag.root) !== 0) {
    const list = listNames.get(text);
    return { name: list ?? `trusted.${text}`, isList: list !== undefined };
  }
  const space = (flags & attributeFlag.secure) === 0 ? 'user' : 'security';
  return { name: `${space}.${text}`, isList: false };
}
