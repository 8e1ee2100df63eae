import { mkdirSync, mkdtempSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { collectSource } from '../src/app/server/collect-source.ts';
import { serverSchema } from '../src/config/server-schema.ts';
import { versioningOf } from '../src/guest/versioning/registry.ts';
import { type Finding, replaceFindings } from '../src/store/findings.ts';
import { type ImageFilter, listImages, recordPass } from '../src/store/images.ts';
import { openPostgresStore } from '../src/store/open-postgres-store.ts';
import { openStore, type Store } from '../src/store/open-store.ts';
import { recordInspection, versionsOfPackage } from '../src/store/packages.ts';
import { openSource } from '../src/sources/registry.ts';
import { startPostgres } from '../tools/start-postgres.ts';
import { advisories, fillingOf, findingsOfImage, images, packages, versions } from './fill-inventory.ts';
import { printSpread } from './spread.ts';
import type { Bench } from './types.ts';

const queries = 200;
const writes = 20;
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

type Print = (line: string) => void;

async function timeSqlite(path: string, directory: string, print: Print): Promise<boolean> {
  const store = openStore(path, () => new Date());
  try {
    print('  SQLite');
    await collectFirst(store, directory);
    const database = new DatabaseSync(path);
    for (const statement of ['PRAGMA synchronous = OFF', ...fillingOf('sqlite')]) database.exec(statement);
    database.close();
    return await timeStore(store, directory, print);
  } finally {
    await store.close();
  }
}

async function timePostgres(place: string, directory: string, print: Print): Promise<boolean> {
  const postgres = await startPostgres(place, { durable: true });
  try {
    const store = await openPostgresStore(await postgres.makeDatabase('inventory'), () => new Date());
    try {
      print('  PostgreSQL');
      await collectFirst(store, directory);
      const client = await store.pool.connect();
      // Rows that are right need not be compared with each other one by one.
      for (const statement of ['SET session_replication_role = replica', ...fillingOf('postgres')])
        await client.query(statement);
      client.release(true);
      return await timeStore(store, directory, print);
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

async function collectFirst(store: Store, directory: string): Promise<void> {
  const noOthers = { members: new Map(), bases: new Set<string>() };
  const files = await openSource({ kind: 'folder', directory }).list(new Map(), noOthers);
  await recordPass(store, { id: 'bench', kind: 'folder' }, files);
}

async function timeStore(store: Store, directory: string, print: Print): Promise<boolean> {
  const questions = await timeQuestions(store, print);
  const pass = await timePass(store, directory, print);
  await timeWrites(store, print);
  return questions && pass;
}

/** A whole pass, as the server makes it: what is to be done for the images is asked for too. */
async function timePass(store: Store, directory: string, print: Print): Promise<boolean> {
  const settings = serverSchema.parse({ sources: [{ id: 'bench', kind: 'folder', directory }] });
  const [source] = settings.sources;
  if (!source) throw new Error('Expected a source.');
  const config = {
    cacheDirectory: directory,
    stateDirectory: directory,
    imageDirectories: [],
    generations: { defaults: {}, machines: {} },
    upgradeSeconds: 60,
    kvmProbeSeconds: 1,
  };
  const start = performance.now();
  const { unchanged, queued } = await collectSource({ store, settings, config }, source);
  const seconds = (performance.now() - start) / 1000;
  if (unchanged !== images || queued !== 0)
    throw new Error(`Expected ${images} unchanged files, found ${unchanged}, and queued ${queued}.`);
  const reached = seconds < targetPassSeconds;
  print(`  a pass over ${images} unchanged files: ${seconds.toFixed(2)} s`);
  print(`  target: under ${targetPassSeconds} s: ${reached ? 'reached' : 'MISSED'}`);
  return reached;
}

async function timeQuestions(store: Store, print: Print): Promise<boolean> {
  const { compare } = versioningOf('deb');
  const some = (index: number): number => (index * 7919) % images;
  const below = async (index: number) => {
    const found = await versionsOfPackage(store, `package-${index % packages}`);
    const version = `1.${1 + (index % (versions - 1))}`;
    return found.filter((one) => compare(one.version, version) < 0).map(({ id }) => id);
  };
  const questions: readonly (readonly [string, (index: number) => Promise<ImageFilter>])[] = [
    ['list', async () => ({})],
    ['list of a source', async () => ({ source: 'bench' })],
    ['filter', async (index) => ({ system: 'ubuntu', outdated: true, search: `-${some(index)}` })],
    ['package P below V', async (index) => ({ packageIds: await below(index) })],
    [
      'package P below V, of a source and a system',
      async (index) => ({ packageIds: await below(index), source: 'bench', system: 'ubuntu' }),
    ],
    ['open to CVE-X', async (index) => ({ advisory: `CVE-${(index * 7919) % advisories}` })],
    ['open to a CVE that all have', async () => ({ advisory: 'CVE-common' })],
  ];
  let reached = true;
  for (const [name, ask] of questions) {
    const times: number[] = [];
    let after: string | undefined;
    const before = process.cpuUsage();
    for (let index = 0; index < queries; index += 1) {
      const start = performance.now();
      const rows = await listImages(store, await ask(index), { after, limit: 100 });
      times.push(performance.now() - start);
      after = index % 10 === 9 ? undefined : rows.at(-1)?.id;
    }
    const { user, system } = process.cpuUsage(before);
    const percentile = percentileOf(times);
    print(
      `  ${name}: ${printSpread(times, 1)} ms, 95 in 100 under ${percentile.toFixed(1)} ms; ` +
        `of this process ${((user + system) / 1000 / queries).toFixed(1)} ms of the processor each`,
    );
    if (percentile >= targetMilliseconds) reached = false;
  }
  print(`  target: under ${targetMilliseconds} ms: ${reached ? 'reached' : 'MISSED'}`);
  return reached;
}

function percentileOf(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.95)] ?? Number.NaN;
}

/** What reading and comparing an image writes: most of its packages and findings are known from others. */
async function timeWrites(store: Store, print: Print): Promise<void> {
  const rows = await listImages(store, {}, { limit: writes });
  const kept: number[] = [];
  const compared: number[] = [];
  for (const [index, { id }] of rows.entries()) {
    const found = Array.from({ length: packages }, (_, position) => ({
      manager: 'dpkg',
      name: `package-${position}`,
      architecture: 'amd64',
      version: position < 10 ? `2.${index}` : `1.${(position + index) % versions}-1+deb12u1`,
    }));
    const findings: readonly Finding[] = found.slice(0, findingsOfImage).map(({ name, version }) => ({
      advisory: `CVE-of-${name}`,
      manager: 'dpkg',
      package: name,
      architecture: 'amd64',
      installed: version,
      severity: 'high',
      fixed_version: null,
      remedy: 'none',
      exploited_since: null,
    }));
    const start = performance.now();
    await recordInspection(store, { digest: `new-${index}`, document: '{}', packages: found });
    kept.push(performance.now() - start);
    const next = performance.now();
    await replaceFindings(store, id, findings);
    compared.push(performance.now() - next);
  }
  print(`  written: an inspection of ${packages} packages: ${printSpread(kept, 0)} ms`);
  print(`  written: ${findingsOfImage} findings in the place of others: ${printSpread(compared, 0)} ms`);
}
