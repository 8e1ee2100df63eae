/** `node bench/matching-process.ts ours|naive FEED FOLDER`: one way of matching, in a process of its own; prints JSON. */
import { readFileSync } from 'node:fs';
import { compareDebVersions } from '../src/guest/versioning/deb/compare-deb-versions.ts';
import { openAdvisoryStore } from '../src/upgrades/advisories/advisory-store.ts';
import { importAdvisories } from '../src/upgrades/advisories/import-advisories.ts';
import { createPackageMatcher } from '../src/upgrades/advisories/match-packages.ts';
import { advisoryFormatOf } from '../src/upgrades/advisories/registry.ts';
import { makeImagePackages } from './make-tracker-feed.ts';
import { images, type MatchingFigures, naiveImages, packagesPerImage } from './matching-figures.ts';

type TrackerFeed = Readonly<
  Record<
    string,
    Readonly<Record<string, { releases: Record<string, { status: string; fixed_version?: string }> }>>
  >
>;
type Figures = Omit<MatchingFigures, 'peakMegabytes' | 'processorSeconds'>;

async function ours(feed: string, folder: string): Promise<Figures> {
  const start = performance.now();
  const store = openAdvisoryStore({ cacheDirectory: folder, now: () => new Date() });
  await importAdvisories({ store, format: advisoryFormatOf('debian-tracker'), source: feed });
  const imported = performance.now();
  const matcher = createPackageMatcher(store);
  const system = { id: 'debian', versionId: '12', versionCodename: 'bookworm' };
  const found: number[] = [];
  for (let image = 0; image < images; image += 1) {
    const { coverage, matches } = matcher.match(system, makeImagePackages(image, packagesPerImage));
    if (!coverage) throw new Error('Expected the release to be known.');
    found.push(matches.reduce((sum, { findings }) => sum + findings.length, 0));
  }
  const matched = performance.now();
  store.close();
  return {
    loadSeconds: (imported - start) / 1000,
    matchSeconds: (matched - imported) / 1000,
    sampleFindings: found.slice(0, naiveImages),
  };
}

function naive(feed: string): Figures {
  const start = performance.now();
  const parsed = Object.entries(JSON.parse(readFileSync(feed, 'utf8')) as TrackerFeed);
  const loaded = performance.now();
  const sampleFindings = Array.from({ length: naiveImages }, (_unused, image) => {
    let count = 0;
    for (const { source } of makeImagePackages(image, packagesPerImage)) {
      for (const [name, entries] of parsed) {
        if (name !== source.name) continue;
        for (const { releases } of Object.values(entries)) {
          const { status, fixed_version: fixed = '' } = releases['bookworm'] ?? { status: '' };
          const isOpen = status === 'open';
          if (isOpen || (status === 'resolved' && compareDebVersions(source.version, fixed) < 0)) count += 1;
        }
      }
    }
    return count;
  });
  return {
    loadSeconds: (loaded - start) / 1000,
    matchSeconds: (performance.now() - loaded) / 1000,
    sampleFindings,
  };
}

const [way = '', feed = '', folder = ''] = process.argv.slice(2);
const figures = way === 'ours' ? await ours(feed, folder) : naive(feed);
const peakMegabytes = (process.resourceUsage().maxRSS * 1024) / 1e6;
const { user, system } = process.cpuUsage();
const processorSeconds = (user + system) / 1e6;
process.stdout.write(
  JSON.stringify({ ...figures, peakMegabytes, processorSeconds } satisfies MatchingFigures),
);
