import { childrenOf, parseXml, textOf, type XmlElement } from '../../lib/parse-xml.ts';

/** A disk of a domain that is a file, or a volume of a pool. */
export interface DomainDisk {
  readonly place:
    | { readonly kind: 'file'; readonly path: string }
    | { readonly kind: 'volume'; readonly pool: string; readonly volume: string };
  readonly format: string | undefined;
  /** False for discs and diskettes: they are used, and are no images of machines. */
  readonly isDisk: boolean;
}

export interface DomainDisks {
  readonly name: string;
  readonly disks: readonly DomainDisk[];
}

const mostCharacters = 4 * 1024 * 1024;

/** Reads of a domain's XML what it has as disks. https://libvirt.org/formatdomain.html @throws what `refuse` makes */
export function parseDomainDisks(xml: string, refuse: (found: string) => Error): DomainDisks {
  const domain = parseXml(xml, { mostCharacters, refuse });
  if (domain.name !== 'domain') throw refuse(`a description begins with <${domain.name}>`);
  const disks = childrenOf(domain, 'devices').flatMap((devices) => childrenOf(devices, 'disk'));
  return { name: textOf(domain, 'name'), disks: disks.flatMap(diskOf) };
}

function diskOf(disk: XmlElement): readonly DomainDisk[] {
  const source = childrenOf(disk, 'source')[0]?.attributes ?? {};
  const place = placeOf(disk.attributes.type ?? 'file', source);
  if (!place) return [];
  const format = childrenOf(disk, 'driver')[0]?.attributes.type;
  return [{ place, format, isDisk: (disk.attributes.device ?? 'disk') === 'disk' }];
}

function placeOf(type: string, source: Readonly<Record<string, string>>): DomainDisk['place'] | undefined {
  const { file, pool, volume } = source;
  if (type === 'file' && file?.startsWith('/') === true) return { kind: 'file', path: file };
  if (type !== 'volume' || pool === undefined || volume === undefined) return undefined;
  // A volume of a pool of files is a name in its folder, and nothing below or above it.
  return volume.includes('/') || volume.startsWith('.') ? undefined : { kind: 'volume', pool, volume };
}
