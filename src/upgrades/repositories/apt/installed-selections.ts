import { parseDeb822 } from '../../../guest/package-managers/dpkg/parse-deb822.ts';

/** What dpkg's status says of one installed package, as far as the plan needs it. */
export interface InstalledSelection {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** The administrator put it on hold. */
  readonly held: boolean;
}

/** All packages of a dpkg status file that are installed or half installed. */
export function installedSelections(dpkgStatus: Uint8Array): readonly InstalledSelection[] {
  const found: InstalledSelection[] = [];
  for (const stanza of parseDeb822(dpkgStatus)) {
    const [want, , state] = (stanza.get('Status') ?? '').split(/\s+/);
    const [name, version, architecture] = [
      stanza.get('Package'),
      stanza.get('Version'),
      stanza.get('Architecture'),
    ];
    if (name === undefined || version === undefined || architecture === undefined) continue;
    if (state === 'not-installed' || state === 'config-files') continue;
    found.push({ name, version, architecture, held: want === 'hold' });
  }
  return found;
}
