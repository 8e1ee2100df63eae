// Makes real repositories of rpm-md: packages by rpmbuild, metadata by createrepo_c and modifyrepo_c.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SigningKey } from './signed-repository.ts';

export interface RpmFields {
  readonly name: string;
  readonly version: string;
  readonly release: string;
  readonly epoch?: number;
  /** Lines of the preamble besides. */
  readonly more?: string;
}

/** Builds a package that holds nothing, and gives its path; with a source package of the same name. */
export function buildRpm(
  directory: string,
  { name, version, release, epoch = 0, more = '' }: RpmFields,
): string {
  const top = mkdtempSync(join(directory, 'rpm-'));
  const spec = join(top, `${name}.spec`);
  writeFileSync(
    spec,
    `Name: ${name}\nVersion: ${version}\nRelease: ${release}\n${epoch > 0 ? `Epoch: ${epoch}\n` : ''}Summary: s\nLicense: MIT\n${more}\n%description\nd\n%files\n`,
  );
  execFileSync(
    'rpmbuild',
    ['-bb', '--define', `_topdir ${top}`, '--define', '_binary_payload w0.ufdio', spec],
    {
      stdio: 'ignore',
    },
  );
  const rpms = join(top, 'RPMS');
  const [architecture = ''] = readdirSync(rpms);
  return join(rpms, architecture, readdirSync(join(rpms, architecture))[0] ?? '');
}

export interface RpmRepositoryOptions {
  readonly packages: readonly string[];
  /** Signs the repomd.xml; without it there is no signature. */
  readonly key?: SigningKey;
  readonly date?: Date;
  /** Arguments of createrepo_c besides. */
  readonly createrepo?: readonly string[];
  /** A modules.yaml to put in. */
  readonly modules?: string;
}

/** The files of a repository, by their paths. */
export function publishRpms(directory: string, options: RpmRepositoryOptions): Map<string, Buffer> {
  const { packages, key, date = new Date(Date.now() - 60_000), createrepo = [], modules } = options;
  const place = mkdtempSync(join(directory, 'repository-'));
  mkdirSync(join(place, 'Packages'));
  for (const path of packages) execFileSync('cp', [path, join(place, 'Packages')]);
  const seconds = Math.floor(date.getTime() / 1000);
  const times = ['--revision', `${seconds}`, '--set-timestamp-to-revision'];
  execFileSync('createrepo_c', ['--quiet', '--no-database', ...times, ...createrepo, place], {
    stdio: 'ignore',
  });
  if (modules !== undefined) {
    const path = join(place, 'modules.yaml');
    writeFileSync(path, modules);
    execFileSync(
      'modifyrepo_c',
      ['--mdtype=modules', '--new-name=modules.yaml', path, join(place, 'repodata')],
      {
        stdio: 'ignore',
      },
    );
  }
  const files = new Map<string, Buffer>();
  for (const name of readdirSync(join(place, 'repodata'))) {
    files.set(`repodata/${name}`, readFileSync(join(place, 'repodata', name)));
  }
  return signed(files, key);
}

/** The same files, with the signature of their repomd.xml by `key` alone. */
export function signed(files: ReadonlyMap<string, Buffer>, key: SigningKey | undefined): Map<string, Buffer> {
  const all = new Map(files);
  all.delete('repodata/repomd.xml.asc');
  const repomd = (all.get('repodata/repomd.xml') ?? '').toString();
  if (key !== undefined) all.set('repodata/repomd.xml.asc', key.detachSign(repomd));
  return all;
}
