import { mkdirSync, mkdtempSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { versioningOf } from '../src/guest/versioning/registry.ts';
import { openSource } from '../src/sources/registry.ts';
import type { RememberedFile } from '../src/sources/types.ts';
import { type ImageFilter, knownImages, listImages, recordPass } from '../src/store/images.ts';
import { openPostgresStore } from '../src/store/open-postgres-store.ts';
import { openStore, type Store } from '../src/store/open-store.ts';
import { versionsOfPackage } from '../src/store/packages.ts';
import { startPostgres } from '../tools/start-postgres.ts';
import { printSpread } from './spread.ts';
import type { Bench } from './types.ts';

const images = 10_000;
const packages = 600;
const versions = 8;
/** Each image is open to 150 of these, and each of these is in 10,000 * 150 / 3000 = 500 images; CVE-common is in all. */
const advisories = 3000;
const findingsOfImage = 150;
const queries = 200;
const targetMilliseconds = 100;
const targetPassSeconds = 5;

/**
 * Questions to an inventory of 10,000 images with 600 packages each, and a pass over as many unchanged files:
 * on SQLite, and on a PostgreSQL with the settings that it comes with.
 */
export const inventoryBench: Bench = {
  name: 'inventory',
  async run({ folder, print }) {
    const place = mkdtempSync(join(folder, 'inventory-'));
    const directory = makeFiles(join(place, 'images'));
    const sqlite = await timeSqlite(join(place, 'coldpatch.db'), directory, print);
    const postgres = await timePostgres(place, directory, print);
    return sqlite && postgres;
  },
};

const noOthers = { members: new Map(), bases: new Set<string>() };

type Print = (line: string) => void;

async function timeSqlite(path: string, directory: string, print: Print): Promise<boolean> {
  const store = openStore(path, () => new Date());
  try {
    print('  SQLite');
    const pass = await timePass(store, directory, print);
    const database = new DatabaseSync(path);
    for (const statement of ['PRAGMA synchronous = OFF', ...filling]) database.exec(statement);
    database.close();
    return (await timeQuestions(store, print)) && pass;
  } finally {
    await store.close();
  }
}

async function timePostgres(place: string, directory: string, print: Print): Promise<boolean> {
  const postgres = await startPostgres(place);
  try {
    const store = await openPostgresStore(await postgres.makeDatabase('inventory'), () => new Date());
    try {
      print('  PostgreSQL');
      const pass = await timePass(store, directory, print);
      const client = await store.pool.connect();
      // Rows that are right need not be compared with each other one by one.
      for (const statement of ['SET session_replication_role = replica', ...filling])
        await client.query(statement);
      client.release(true);
      return (await timeQuestions(store, print)) && pass;
    } finally {
      await store.close();
    }
  } finally {
    await postgres.stop();
  }
}

function makeFiles(directory: string): string {
  mkdirSync(directory);
  for (let index = 0; index < images; index += 1) {
    const file = join(directory, `image-${index}.raw`);
    writeFileSync(file, '');
    truncateSync(file, 1024 * 1024);
  }
  return directory;
}

async function timePass(store: Store, directory: string, print: Print): Promise<boolean> {
  const collect = async (): Promise<void> => {
    const known = await knownImages(store, 'bench');
    const remembered = new Map<string, RememberedFile>(
      [...known].map(([locator, row]) => [
        locator,
        { ...row, modifiedAt: row.modified_at, backing: JSON.parse(row.backing) as readonly string[] },
      ]),
    );
    const files = await openSource({ kind: 'folder', directory }).list(remembered, noOthers);
    await recordPass(store, { id: 'bench', kind: 'folder' }, files);
  };
  await collect();
  const start = performance.now();
  await collect();
  const seconds = (performance.now() - start) / 1000;
  const reached = seconds < targetPassSeconds;
  print(`  a pass over ${images} unchanged files: ${seconds.toFixed(2)} s`);
  print(`  target: under ${targetPassSeconds} s: ${reached ? 'reached' : 'MISSED'}`);
  return reached;
}

const upTo = (count: number): string =>
  `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${count - 1}) `;

/** Each image has one of the versions of every package: 6 million rows, made by the database itself. */
const filling = [
  `INSERT INTO packages (id, manager, name, architecture, version)
     ${upTo(packages * versions)}
     SELECT i, 'dpkg', 'package-' || (i / ${versions}), 'amd64', '1.' || (i % ${versions}) || '-1+deb12u1' FROM n`,
  `INSERT INTO inspections (id, digest, made_at, document)
     ${upTo(images)} SELECT i, 'digest-' || i, '', '{}' FROM n`,
  `INSERT INTO inspection_packages (package_id, inspection_id)
     ${upTo(packages)}
     SELECT n.i * ${versions} + (inspections.id + n.i) % ${versions} AS package, inspections.id
     FROM n CROSS JOIN inspections ORDER BY 1, 2`,
  `UPDATE images SET inspection_id = place.position, outdated = place.position % 40,
       system_id = CASE place.position % 3 WHEN 0 THEN 'ubuntu' ELSE 'debian' END
     FROM (SELECT id, row_number() OVER (ORDER BY id) - 1 AS position FROM images) AS place
     WHERE place.id = images.id`,
  `INSERT INTO findings (id, advisory, manager, package, architecture, installed, severity, remedy)
     ${upTo(advisories)}
     SELECT 'finding-' || i, 'CVE-' || i, 'dpkg', 'package-' || (i % ${packages}), 'amd64', '1.0', 'high', 'fix-published' FROM n
     UNION ALL SELECT 'finding-common', 'CVE-common', 'dpkg', 'package-0', 'amd64', '1.0', 'high', 'fix-published'`,
  `INSERT INTO image_findings (finding_id, image_id)
     ${upTo(findingsOfImage)}
     SELECT 'finding-' || ((place.position * 37 + n.i * ${advisories / findingsOfImage}) % ${advisories}) AS finding, place.id
     FROM n CROSS JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS position FROM images) AS place
     UNION ALL SELECT 'finding-common', id FROM images ORDER BY 1, 2`,
  'ANALYZE',
];

async function timeQuestions(store: Store, print: Print): Promise<boolean> {
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
    ['open to CVE-X', async (index) => ({ advisory: `CVE-${(index * 7919) % advisories}` })],
    ['open to a CVE that all have', async () => ({ advisory: 'CVE-common' })],
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
