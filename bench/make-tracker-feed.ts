import { open } from 'node:fs/promises';
import type { MatchablePackage } from '../src/upgrades/advisories/types.ts';
import { seededRandom } from './seeded-random.ts';

/** As large as the tracker of Debian is. */
const sourcePackages = 3500;
const vulnerabilities = 45_000;
const codenames = ['bullseye', 'bookworm', 'trixie', 'sid'] as const;
const words =
  'a flaw in the parser of crafted input allows remote attackers to read memory beyond its end and'.split(
    ' ',
  );

/** Name of a source package of the synthetic distribution, the most vulnerable ones first. */
function nameOf(index: number): string {
  return `source-package-${index}`;
}

/** Writes a synthetic export of the Debian security tracker, always the same. @returns its bytes. */
export async function makeTrackerFeed(path: string): Promise<number> {
  const random = seededRandom(1);
  const file = await open(path, 'w');
  let bytes = 0;
  try {
    for (let index = 0; index < sourcePackages; index += 1) {
      const entries = Array.from({ length: entriesOf(index) }, (_unused, number) => [
        `CVE-${2010 + Math.floor(random() * 16)}-${index * 10_000 + number + 10_000}`,
        entry(random),
      ]);
      const start = index === 0 ? '{' : ',';
      const text = `${start}${JSON.stringify(nameOf(index))}:${JSON.stringify(Object.fromEntries(entries))}`;
      bytes += (await file.write(text)).bytesWritten;
    }
    bytes += (await file.write('}')).bytesWritten;
  } finally {
    await file.close();
  }
  return bytes;
}

/** A few packages have most of the vulnerabilities, as in life; each has one. */
function entriesOf(index: number): number {
  const harmonic = Math.log(sourcePackages) + 0.577;
  return 1 + Math.round((vulnerabilities - sourcePackages) / (harmonic * (index + 1)));
}

function entry(random: () => number): object {
  const releases = codenames.map((codename) => {
    const fate = random();
    const fixed = version(random);
    const verdict =
      fate < 0.75
        ? { status: 'resolved', fixed_version: fate < 0.1 ? '0' : fixed }
        : { status: 'open', ...(fate < 0.9 ? { nodsa: 'Minor issue', nodsa_reason: '' } : {}) };
    return [
      codename,
      {
        ...verdict,
        repositories: { [codename]: fixed, [`${codename}-security`]: fixed },
        urgency: fate < 0.5 ? 'not yet assigned' : 'medium**',
      },
    ];
  });
  const text = Array.from({ length: 90 }, () => words[Math.floor(random() * words.length)]).join(' ');
  return { scope: 'local', description: text, releases: Object.fromEntries(releases) as object };
}

function version(random: () => number): string {
  return `1:${Math.floor(random() * 8)}.${Math.floor(random() * 30)}.${Math.floor(random() * 9)}-${1 + Math.floor(random() * 4)}+deb12u${1 + Math.floor(random() * 5)}`;
}

/** Packages of one machine of the synthetic distribution, which has each package in three versions. */
export function makeImagePackages(image: number, count: number): readonly MatchablePackage[] {
  const random = seededRandom(1000 + image);
  const chosen = new Set<number>();
  while (chosen.size < count) chosen.add(Math.floor(random() ** 2 * sourcePackages));
  return [...chosen].map((index) => {
    const own = seededRandom(5_000_000 + index * 3 + Math.floor(random() * 3));
    const source = { name: nameOf(index), version: version(own) };
    return { manager: 'dpkg', name: `binary-of-${source.name}`, version: source.version, source };
  });
}
