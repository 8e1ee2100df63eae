/** When the makers of one release stop to repair it; days as ISO 8601. */
export interface ReleaseLifecycle {
  /** `12`, `24.04`; empty for releases without a number. */
  readonly version: string;
  /** `bookworm`. */
  readonly series: string;
  /** Last day of support for everybody. */
  readonly supportEnds: string | undefined;
  /** Last day of support that goes on for some packages, architectures or subscribers. */
  readonly longTermEnds: string | undefined;
}

const day = /^\d{4}-\d{2}-\d{2}$/;

/**
 * The releases in a file of Debian's distro-info-data: lines of fields parted by commas, named by the first line.
 * Of Debian the long-term support (`eol-lts`) is free for all; that of Ubuntu (`eol-server`) is the same support.
 */
export function parseDistroInfo(text: string): readonly ReleaseLifecycle[] {
  const [header = '', ...lines] = text.split('\n');
  const names = header.split(',');
  return lines
    .filter((line) => line !== '')
    .map((line) => {
      const fields = line.split(',');
      const field = (name: string): string => fields[names.indexOf(name)] ?? '';
      const date = (name: string): string | undefined => (day.test(field(name)) ? field(name) : undefined);
      return {
        version: field('version').replace(/ LTS$/, ''),
        series: field('series'),
        supportEnds: date('eol-server') ?? date('eol'),
        longTermEnds: date('eol-lts'),
      };
    });
}
