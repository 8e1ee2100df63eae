/** A line of fstab(5). */
export interface FstabEntry {
  /** `UUID=…`, `/dev/vda2`, …, as written. */
  readonly spec: string;
  /** Absolute, or `none` for swap. */
  readonly path: string;
  readonly type: string;
  readonly options: readonly string[];
}

const maximumEntries = 1000;

/** The entries of an fstab; lines that are none are passed over, and so is what follows the thousandth. */
export function parseFstab(text: string): readonly FstabEntry[] {
  const entries: FstabEntry[] = [];
  for (const line of text.split('\n')) {
    const [spec, path, type, options] = line.trim().split(/[ \t]+/);
    if (spec === undefined || spec.startsWith('#') || path === undefined || type === undefined) continue;
    entries.push({
      spec: unescapeOctal(spec).replace(/^([A-Z]+)="(.*)"$/, '$1=$2'),
      path: unescapeOctal(path),
      type,
      options: options?.split(',') ?? [],
    });
    if (entries.length === maximumEntries) break;
  }
  return entries;
}

/** Blanks and backslashes stand as `\040` and the like, fstab(5). */
function unescapeOctal(field: string): string {
  return field.replace(/\\([0-3][0-7]{2})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
