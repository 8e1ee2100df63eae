import { childrenOf, parseXml, textOf } from '../../lib/parse-xml.ts';

/** https://libvirt.org/formatstorage.html */
export interface Pool {
  readonly name: string;
  readonly type: string;
  /** Where its volumes are, for a pool of files; empty for others. */
  readonly path: string;
}

const mostCharacters = 1024 * 1024;

/** Reads the XML of a storage pool. @throws what `refuse` makes */
export function parsePool(xml: string, refuse: (found: string) => Error): Pool {
  const pool = parseXml(xml, { mostCharacters, refuse });
  if (pool.name !== 'pool') throw refuse(`a description begins with <${pool.name}>`);
  const [target] = childrenOf(pool, 'target');
  return {
    name: textOf(pool, 'name'),
    type: pool.attributes.type ?? '',
    path: target ? textOf(target, 'path') : '',
  };
}
