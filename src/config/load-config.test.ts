import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ColdpatchError } from '../lib/errors.ts';
import { environmentVariableOf } from './environment-variables.ts';
import { keepingOf } from './keeping-of.ts';
import { type ConfigSources, loadConfig } from './load-config.ts';
import { configKeys } from './schema.ts';

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'config-'));
  file = join(folder, 'config.json');
});
afterEach(() => rmSync(folder, { recursive: true }));

function load(sources: Partial<ConfigSources> = {}) {
  return loadConfig({
    environment: {},
    flags: {},
    isRoot: true,
    systemFile: join(folder, 'none.json'),
    ...sources,
  });
}

function failureOf(sources: Partial<ConfigSources>): ColdpatchError {
  try {
    load(sources);
  } catch (error) {
    if (error instanceof ColdpatchError) return error;
    throw error;
  }
  throw new Error('Expected loadConfig to throw.');
}

test('the defaults are the system directories for root', () => {
  expect(load()).toEqual({
    cacheDirectory: '/var/cache/coldpatch',
    stateDirectory: '/var/lib/coldpatch',
    imageDirectories: [],
    kvmProbeSeconds: 10,
    upgradeSeconds: 14_400,
    generations: { defaults: {}, machines: {} },
  });
});

test('the defaults of others are in their home', () => {
  const environment = { HOME: '/home/ann' };
  expect(load({ isRoot: false, environment })).toMatchObject({
    cacheDirectory: '/home/ann/.cache/coldpatch',
    stateDirectory: '/home/ann/.local/state/coldpatch',
  });
  expect(
    load({ isRoot: false, environment: { ...environment, XDG_CACHE_HOME: '/fast' } }).cacheDirectory,
  ).toBe('/fast/coldpatch');
  expect(
    load({ isRoot: false, environment: { ...environment, XDG_CACHE_HOME: 'fast' } }).cacheDirectory,
  ).toBe('/home/ann/.cache/coldpatch');
});

test('flags win over environment, environment over file, file over defaults', () => {
  writeFileSync(
    file,
    JSON.stringify({
      cacheDirectory: '/file',
      stateDirectory: '/file',
      imageDirectories: ['/file'],
      kvmProbeSeconds: 3,
    }),
  );
  const environment = {
    COLDPATCH_CACHE_DIRECTORY: '/environment',
    COLDPATCH_IMAGE_DIRECTORIES: '/a:/b',
    COLDPATCH_KVM_PROBE_SECONDS: '7',
    COLDPATCH_STATE_DIRECTORY: '',
  };
  expect(load({ file, environment, flags: { cacheDirectory: '/flag' } })).toEqual({
    cacheDirectory: '/flag',
    stateDirectory: '/file',
    imageDirectories: ['/a', '/b'],
    kvmProbeSeconds: 7,
    upgradeSeconds: 14_400,
    generations: { defaults: {}, machines: {} },
  });
  expect(load({ systemFile: file }).cacheDirectory).toBe('/file');
});

test('what is said of one machine wins over what is said of all, key by key', () => {
  const generations = {
    defaults: { keep: 14, everyHours: 24 },
    machines: { web: { keep: 3 }, db: {} },
  };
  const config = load({ environment: { COLDPATCH_GENERATIONS: JSON.stringify(generations) } });
  expect(keepingOf(config, 'web')).toEqual({ keep: 3, everyHours: 24 });
  expect(keepingOf(config, 'db')).toEqual({ keep: 14, everyHours: 24 });
  expect(keepingOf(config, 'constructor')).toEqual({ keep: 14, everyHours: 24 });
});

test('a wrong key of one machine is named with its place', () => {
  writeFileSync(file, JSON.stringify({ generations: { machines: { web: { keep: 0, kepe: 1 } } } }));
  const { message } = failureOf({ file });
  expect(message).toContain('generations.machines.web.keep: must be at least 1');
  expect(message).toContain('generations.machines.web.kepe: there is no such key');
  expect(failureOf({ environment: { COLDPATCH_GENERATIONS: '{' } }).code).toBe('configuration_invalid');
});

test('a directory of a flag is relative to the working directory', () => {
  expect(load({ flags: { cacheDirectory: 'cache' } }).cacheDirectory).toBe(join(process.cwd(), 'cache'));
});

test('all problems of all places come in one error', () => {
  writeFileSync(
    file,
    JSON.stringify({ cacheDirectory: 'relative', cacheDirectroy: '/x', kvmProbeSeconds: '3' }),
  );
  const failure = failureOf({
    file,
    environment: { COLDPATCH_KVM_PROBE_SECONDS: 'soon', COLDPATCH_IMAGE_DIRECTORIES: 'images' },
    flags: { kvmProbeSeconds: 0 },
  });
  expect(failure.code).toBe('configuration_invalid');
  expect(failure.message).toContain('6 problems');
  expect(failure.message).toContain(`${file}: cacheDirectory: must be an absolute path`);
  expect(failure.message).toContain(`${file}: cacheDirectroy: there is no such key`);
  expect(failure.message).toContain(`${file}: kvmProbeSeconds: `);
  expect(failure.message).toContain('COLDPATCH_KVM_PROBE_SECONDS: ');
  expect(failure.message).toContain('must be at least 1');
});

test.each(['[]', '"text"', 'null', '{', ''])('a file with %j is refused', (text) => {
  writeFileSync(file, text);
  expect(failureOf({ file }).code).toBe('configuration_invalid');
});

test('a file that is named must be there', () => {
  expect(failureOf({ file }).code).toBe('file_not_found');
});

test('the page for operators names every key, its variable and its default', () => {
  const page = readFileSync(new URL('../../docs/operating/configuration.md', import.meta.url), 'utf8');
  const defaults = load();
  for (const key of configKeys) {
    const row = page.split('\n').find((line) => line.startsWith(`| \`${key}\` |`));
    expect(row).toContain(`\`${environmentVariableOf(key)}\``);
    const value = defaults[key];
    const hasNone = value === undefined || typeof value === 'object';
    expect(row).toContain(hasNone ? 'none' : String(value));
    expect(page).toContain(`## \`${key}\``);
  }
  expect(page.match(/^\| `[a-z]\w*` \|/gm)).toHaveLength(configKeys.length);
});
