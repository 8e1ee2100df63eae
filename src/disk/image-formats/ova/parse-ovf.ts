/** A disk as the OVF descriptor names it (DSP0243, sections 7.1 and 9.1). */
export interface OvfDisk {
  /** The file in the archive. */
  readonly href: string;
  /** `gzip`, or empty. */
  readonly compression: string;
  /** The file is cut into pieces. */
  readonly chunked: boolean;
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** The disks of an OVF descriptor that have a file, in their order. Only the elements `File` and `Disk` are looked at. */
export function parseOvf(xml: string): readonly OvfDisk[] {
  const text = withoutComments(xml);
  const files = new Map<string, ReadonlyMap<string, string>>();
  const disks: OvfDisk[] = [];
  for (const [, element, attributes = ''] of text.matchAll(/<(?:\w{1,32}:)?(File|Disk)\s([^<>]{0,4096})>/g)) {
    const values = attributesOf(attributes);
    if (element === 'File') {
      files.set(values.get('id') ?? '', values);
      continue;
    }
    const file = files.get(values.get('fileRef') ?? '');
    if (file === undefined) continue;
    disks.push({
      href: file.get('href') ?? '',
      compression: file.get('compression') ?? '',
      chunked: file.has('chunkSize'),
    });
  }
  return disks;
}

function withoutComments(xml: string): string {
  const parts: string[] = [];
  let at = 0;
  for (let start = xml.indexOf('<!--'); start !== -1; start = xml.indexOf('<!--', at)) {
    parts.push(xml.slice(at, start));
    const end = xml.indexOf('-->', start);
    if (end === -1) return parts.join('');
    at = end + 3;
  }
  return parts.join('') + xml.slice(at);
}

function attributesOf(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const [, name = '', double, single] of text.matchAll(
    /(?:[\w-]{1,32}:)?([\w-]{1,64})\s{0,8}=\s{0,8}(?:"([^"]*)"|'([^']*)')/g,
  )) {
    values.set(name, decoded(double ?? single ?? ''));
  }
  return values;
}

function decoded(value: string): string {
  return value.replace(/&(\w{1,8});/g, (whole, name: string) => entities[name] ?? whole);
}
