import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type PublishedPackage, sha256 } from './signed-repository.ts';

export interface PackageFixture {
  readonly name: string;
  readonly version: string;
  readonly depends?: string;
  /** Shell, without the first line, by the name of the script. */
  readonly scripts?: Readonly<Partial<Record<'preinst' | 'postinst' | 'prerm' | 'postrm', string>>>;
  /** Content by absolute path. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  /** Paths among `files`. */
  readonly conffiles?: readonly string[];
}

/** A real Debian package with scripts and files, ready to be published. */
export function makePackageFixture({
  name,
  version,
  depends,
  scripts = {},
  files = {},
  conffiles = [],
}: PackageFixture): PublishedPackage {
  const directory = mkdtempSync(join(tmpdir(), 'package-'));
  try {
    const tree = join(directory, 'tree');
    const put = (path: string, content: string | Uint8Array, mode: number): void => {
      mkdirSync(dirname(join(tree, path)), { recursive: true });
      writeFileSync(join(tree, path), content, { mode });
    };
    const control =
      `Package: ${name}\nVersion: ${version}\nArchitecture: amd64\nMaintainer: Example <example@example.org>\n` +
      `${depends === undefined ? '' : `Depends: ${depends}\n`}Description: for a test\n`;
    put('DEBIAN/control', control, 0o644);
    if (conffiles.length > 0) put('DEBIAN/conffiles', conffiles.map((path) => `${path}\n`).join(''), 0o644);
    for (const [script, body] of Object.entries(scripts))
      put(`DEBIAN/${script}`, `#!/bin/sh\nset -e\n${body}\n`, 0o755);
    for (const [path, content] of Object.entries(files)) put(path, content, 0o644);
    const file = join(directory, 'package.deb');
    execFileSync('dpkg-deb', ['--root-owner-group', '-Znone', '-b', tree, file], { stdio: 'ignore' });
    const bytes = readFileSync(file);
    const path = `pool/${name}_${version}_amd64.deb`;
    return {
      path,
      bytes,
      stanza: `${control}Filename: ${path}\nSize: ${bytes.length}\nSHA256: ${sha256(bytes)}\n`,
    };
  } finally {
    rmSync(directory, { recursive: true });
  }
}
