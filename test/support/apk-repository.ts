// Makes signed lists of apk as abuild-sign does: tar and gzip, and signatures by openssl.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

export interface ApkSigningKey {
  /** File name of the public key, as signatures give it. */
  readonly name: string;
  /** PEM. */
  readonly publicKey: string;
  readonly path: string;
}

export function makeApkKey(directory: string, name: string): ApkSigningKey {
  const path = join(mkdtempSync(join(directory, 'key-')), 'private.pem');
  execFileSync('openssl', ['genrsa', '-out', path, '2048'], { stdio: 'ignore' });
  const publicKey = execFileSync('openssl', ['rsa', '-in', path, '-pubout'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return { name, publicKey: publicKey.toString(), path };
}

export interface ApkFields {
  readonly name: string;
  readonly version: string;
  readonly architecture?: string;
  readonly origin?: string;
}

/** The text of a list. */
export function apkIndex(packages: readonly ApkFields[]): string {
  return packages
    .map(
      ({ name, version, architecture = 'x86_64', origin = name }) =>
        `C:Q1abcdefghijklmnopqrstuvwxyz0=\nP:${name}\nV:${version}\nA:${architecture}\nS:4\nI:8\nT:a package\nL:MIT\no:${origin}\nt:1700000000\n\n`,
    )
    .join('');
}

export interface ApkListOptions {
  readonly text: string;
  /** Without it there is no signature. */
  readonly key?: ApkSigningKey;
  /** `RSA` is with SHA-1. */
  readonly kind?: 'RSA' | 'RSA256';
  readonly date?: Date;
}

/** An APKINDEX.tar.gz. */
export function makeApkList(directory: string, options: ApkListOptions): Buffer {
  const { text, key, kind = 'RSA', date = new Date(Date.now() - 60_000) } = options;
  const content = gzipSync(tar(directory, { DESCRIPTION: 'v3.20.0-1-gabc', APKINDEX: text }, date));
  if (key === undefined) return content;
  const place = mkdtempSync(join(directory, 'sign-'));
  writeFileSync(join(place, 'content'), content);
  const digest = kind === 'RSA' ? '-sha1' : '-sha256';
  const signature = execFileSync('openssl', ['dgst', digest, '-sign', key.path, join(place, 'content')]);
  // Without the two blocks at its end, so that the next member goes on with the archive.
  const first = tar(directory, { [`.SIGN.${kind}.${key.name}`]: signature }, date).subarray(0, -1024);
  return Buffer.concat([gzipSync(first), content]);
}

function tar(directory: string, files: Readonly<Record<string, string | Buffer>>, date: Date): Buffer {
  const place = mkdtempSync(join(directory, 'tar-'));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(place, name), content);
  const time = `@${Math.floor(date.getTime() / 1000)}`;
  const archive = join(place, '..', `${Math.random()}.tar`);
  const form = ['--format=ustar', '--blocking-factor=1', '--owner=0', '--group=0', `--mtime=${time}`];
  execFileSync('tar', [...form, '-C', place, '-cf', archive, ...Object.keys(files)]);
  return readFileSync(archive);
}
