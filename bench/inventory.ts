import { mkdirSync, mkdtempSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { versioningOf } from '../src/guest/versioning/registry.ts';
import { sourceOf } from '../src/sources/registry.ts';
import type { RememberedFile } from '../src/sources/types.ts';
import { type ImageFilter, knownImages, listImages, recordPass } from '../src/store/images.ts';
import { openStore, type Store } from '../src/store/open-store.ts';
import { versionsOfPackage } from '../src/store/packages.ts';
import { printSpread } from './spread.ts';
import type { Bench } from './types.ts';

const images = 10_000;
const packages = 600;
const versions = 8;
const queries = 200;
const targetMilliseconds = 100;
const targetPassSeconds = 5;

/** Questions to an inventory of 10,000 images with 600 packages each, and a pass over as many unchanged files. */
export const inventoryBench: Bench = {
  name: 'inventory',
  async run({ folder, print }) {
    const place = mkdtempSync(join(folder, 'inventory-'));
    const path = join(place, 'coldpatch.db');
    const store = openStore(path, () => new Date());
    try {
      const pass = await timePass(store, join(place, 'images'));
      print(`  a pass over ${images} unchanged files: ${pass.toFixed(2)} s`);
      print(`  target: under ${targetPassSeconds} s: ${pass < targetPassSeconds ? 'reached' : 'MISSED'}`);
      fill(path);
      const answered = await timeQuestions(store, print);
      return answered && pass < targetPassSeconds;
    } finally {
      await store.close();
    }
  },
};

async function timePass(store: Store, directory: string): Promise<number> {
  mkdirSync(directory);
  for (let index = 0; index < images; index += 1) {
    const file = join(directory, `image-${index}.raw`);
    writeFileSync(file, '');
    truncateSync(file, 1024 * 1024);
  }
  const collect = async (): Promise<void> => {
    const known = await knownImages(store, 'bench');
    const remembered = new Map<string, RememberedFile>(
      [...known].map(([locator, row]) => [
        locator,
        { ...row, modifiedAt: row.modified_at, backing: JSON.parse(row.backing) as readonly string[] },
      ]),
    );
    const files = await sourceOf('folder').open({ directory }).list(remembered);
    await recordPass(store, { id: 'bench', kind: 'folder' }, files);
  };
  await collect();
  const start = performance.now();
  await collect();
  return (performance.now() - start) / 1000;
}

/** Each image has one of the versions of every package: 6 million rows, written by SQLite itself. */
function fill(path: string): void {
  const database = new DatabaseSync(path);
  const upTo = (count: number): string =>
    `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${count - 1}) `;
  database.exec('PRAGMA synchronous = OFF');
  database.exec(
    `${upTo(packages * versions)} INSERT INTO packages (id, manager, name, architecture, version)
     SELECT i, 'dpkg', 'package-' || (i / ${versions}), 'amd64', '1.' || (i % ${versions}) || '-1+deb12u1' FROM n`,
  );
  database.exec(
    `${upTo(images)} INSERT INTO inspections (id, digest, made_at, document) SELECT i, 'digest-' || i, '', '{}' FROM n`,
  );
  database.exec(
    `${upTo(packages)} INSERT INTO inspection_packages (package_id, inspection_id)
     SELECT n.i * ${versions} + (inspections.id + n.i) % ${versions} AS package, inspections.id
     FROM n CROSS JOIN inspections ORDER BY 1, 2`,
  );
  database.exec(
    `UPDATE images SET inspection_id = place.position, system_id = CASE place.position % 3 WHEN 0 THEN 'ubuntu' ELSE 'debian' END,
       outdated = place.position % 40
     FROM (SELECT id, row_number() OVER (ORDER BY id) - 1 AS position FROM images) AS place WHERE place.id = images.id`,
  );
  database.exec('ANALYZE');
  database.close();
}

async function timeQuestions(store: Store, print: (line: string) => void): Promise<boolean> {
  const { compare } = versioningOf('deb');
  const some = (index: number): number => (index * 7919) % images;
  const questions: readonly (readonly [string, (index: number) => Promise<ImageFilter>])[] = [
    ['list', async () => ({})],
    ['filter', async (index) => ({ system: 'ubuntu', outdated: true, search: `-${some(index)}` })],
    [
      'package P below V',
      async (index) => {
        const found = await versionsOfPackage(store, `package-${index % packages}`);
        const below = `1.${1 + (index % (versions - 1))}`;
        return { packageIds: found.filter(({ version }) => compare(version, below) < 0).map(({ id }) => id) };
      },
    ],
  ];
  let reached = true;
  for (const [name, ask] of questions) {
    const times: number[] = [];
    let after: string | undefined;
    for (let index = 0; index < queries; index += 1) {
      const start = performance.now();
      const rows = await listImages(store, await ask(index), { after, limit: 100 });
      times.push(performance.now() - start);
      after = index % 10 === 9 ? undefined : rows.at(-1)?.id;
    }
    const percentile = times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.95)] ?? Number.NaN;
    print(`  ${name}: ${printSpread(times, 1)} ms, 95 in 100 under ${percentile.toFixed(1)} ms`);
    if (percentile >= targetMilliseconds) reached = false;
  }
  print(`  target: under ${targetMilliseconds} ms: ${reached ? 'reached' : 'MISSED'}`);
  return reached;
}
