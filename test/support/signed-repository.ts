// Makes real signed package repositories in a temporary directory and serves them from this machine.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { xz } from '@napi-rs/lzma';

export interface SigningKey {
  readonly fingerprint: string;
  readonly publicKey: Buffer;
  readonly armoredKey: string;
  clearsign(text: string): Buffer;
  detachSign(text: string): Buffer;
}

export interface Workshop {
  readonly directory: string;
  makeKey(name: string, options?: { readonly fakedTime?: string; readonly expires?: string }): SigningKey;
  makePackage(fields: PackageFields): PublishedPackage;
  end(): void;
}

/** Fields of a control file; the architecture is amd64 unless given. */
export interface PackageFields extends Readonly<Record<string, string>> {
  readonly Package: string;
  readonly Version: string;
}

export interface PublishedPackage {
  readonly path: string;
  readonly bytes: Buffer;
  readonly stanza: string;
}

/** A place with its own GnuPG home; `end` stops the agent and removes it. */
export function openWorkshop(): Workshop {
  const directory = mkdtempSync(join(tmpdir(), 'cp-repo-'));
  const home = join(directory, 'gnupg');
  mkdirSync(home, { mode: 0o700 });
  const gpg = (args: readonly string[], input?: string): Buffer =>
    execFileSync('gpg', ['--batch', '--quiet', '--no-tty', '--pinentry-mode', 'loopback', ...args], {
      env: { ...process.env, GNUPGHOME: home },
      input: input ?? '',
      stdio: ['pipe', 'pipe', 'ignore'],
    });
  return {
    directory,
    makeKey(name, { fakedTime, expires = '2y' } = {}) {
      const time = fakedTime === undefined ? [] : ['--faked-system-time', fakedTime];
      gpg([...time, '--passphrase', '', '--quick-gen-key', name, 'ed25519', 'sign', expires]);
      const listing = gpg(['--with-colons', '--list-keys', name]).toString();
      const fingerprint = /^fpr:+([0-9A-F]{40}):/m.exec(listing)?.[1] ?? '';
      const user = [...time, '--local-user', fingerprint, '--digest-algo', 'SHA512'];
      return {
        fingerprint,
        publicKey: gpg(['--export', fingerprint]),
        armoredKey: gpg(['--armor', '--export', fingerprint]).toString(),
        clearsign: (text) => gpg([...user, '--clearsign'], text),
        detachSign: (text) => gpg([...user, '--armor', '--detach-sign'], text),
      };
    },
    makePackage: (fields) => makePackage(directory, fields),
    end() {
      execFileSync('gpgconf', ['--homedir', home, '--kill', 'all']);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function makePackage(directory: string, fields: PackageFields): PublishedPackage {
  const all = {
    Architecture: 'amd64',
    Maintainer: 'Nobody <nobody@example.org>',
    Description: 'test',
    ...fields,
  };
  const { Package, Version, Architecture } = all;
  const control = Object.entries(all).map(([name, value]) => `${name}: ${value}\n`);
  const tree = mkdtempSync(join(directory, 'tree-'));
  mkdirSync(join(tree, 'DEBIAN'));
  writeFileSync(join(tree, 'DEBIAN/control'), control.join(''));
  const file = join(directory, `${Package}_${Version.replace(':', '%3a')}_${Architecture}.deb`);
  execFileSync('dpkg-deb', ['--root-owner-group', '-Znone', '-b', tree, file], { stdio: 'ignore' });
  const bytes = readFileSync(file);
  const path = `pool/${Package}_${Version.replace(':', '.')}_${Architecture}.deb`;
  const stanza = `${control.join('')}Filename: ${path}\nSize: ${bytes.length}\nSHA256: ${sha256(bytes)}\n`;
  return { path, bytes, stanza };
}

export interface ReleaseOptions {
  readonly packages?: readonly PublishedPackage[];
  readonly suite?: string;
  readonly date?: Date;
  readonly validUntil?: Date;
  readonly byHash?: boolean;
  readonly extraFields?: string;
  readonly form?: 'inline' | 'detached' | 'unsigned';
  /** Sign only the packed lists. */
  readonly withoutPlain?: boolean;
}

/** The files of a repository with one suite and the component `main`, by their paths. */
export async function publish(key: SigningKey, options: ReleaseOptions = {}): Promise<Map<string, Buffer>> {
  const { packages = [], suite = 'stable', date = new Date(), form = 'inline' } = options;
  const list = Buffer.from(packages.map(({ stanza }) => `${stanza}\n`).join(''));
  const lists = new Map([
    ['main/binary-amd64/Packages.xz', await xz.compress(list)],
    ['main/binary-amd64/Packages.gz', gzipSync(list)],
  ]);
  if (options.withoutPlain !== true) lists.set('main/binary-amd64/Packages', list);
  const sums = [...lists].map(([path, bytes]) => ` ${sha256(bytes)} ${bytes.length} ${path}\n`).join('');
  const text =
    `Origin: Example\nSuite: ${suite}\nCodename: ${suite}\nDate: ${date.toUTCString().replace('GMT', 'UTC')}\n` +
    (options.validUntil ? `Valid-Until: ${options.validUntil.toUTCString().replace('GMT', 'UTC')}\n` : '') +
    (options.byHash === true ? 'Acquire-By-Hash: yes\n' : '') +
    `${options.extraFields ?? ''}Architectures: amd64\nComponents: main\nSHA256:\n${sums}`;
  const files = new Map<string, Buffer>();
  for (const [path, bytes] of lists) {
    const place = options.byHash === true ? `main/binary-amd64/by-hash/SHA256/${sha256(bytes)}` : path;
    files.set(`dists/${suite}/${place}`, bytes);
  }
  for (const { path, bytes } of packages) files.set(path, bytes);
  if (form === 'inline') files.set(`dists/${suite}/InRelease`, key.clearsign(text));
  else files.set(`dists/${suite}/Release`, Buffer.from(text));
  if (form === 'detached') files.set(`dists/${suite}/Release.gpg`, key.detachSign(text));
  return files;
}

export interface RepositoryServer {
  /** With a slash at its end. */
  readonly uri: string;
  /** What is served, by path; a test may change it. */
  files: Map<string, Buffer>;
  /** Answers before `files` are looked at: a status, with a header `location` if given. */
  redirects: Map<string, string>;
  /** Ends the connection of the next answer after so many bytes, by path. */
  cuts: Map<string, number>;
  readonly requests: {
    readonly path: string;
    readonly headers: IncomingHttpHeaders;
    readonly status: number;
  }[];
  close(): Promise<void>;
}

export async function serve(): Promise<RepositoryServer> {
  const server = createServer((request, response) => {
    const path = (request.url ?? '').slice(1);
    const body = self.files.get(path);
    const location = self.redirects.get(path);
    const etag = body === undefined ? '' : `"${sha256(body)}"`;
    const status =
      location !== undefined
        ? 302
        : body === undefined
          ? 404
          : request.headers['if-none-match'] === etag
            ? 304
            : 200;
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const part = status === 200 && from > 0 ? body?.subarray(from) : undefined;
    self.requests.push({ path, headers: request.headers, status });
    if (part !== undefined && body !== undefined) {
      response.writeHead(206, { etag, 'content-range': `bytes ${from}-${body.length - 1}/${body.length}` });
      response.end(part);
      return;
    }
    const cut = self.cuts.get(path);
    if (cut !== undefined && body !== undefined) {
      self.cuts.delete(path);
      response.writeHead(200, { etag, 'content-length': body.length });
      // A reset takes along what the other side has not read yet.
      response.write(body.subarray(0, cut), () => setTimeout(() => response.destroy(), 500));
      return;
    }
    response.writeHead(status, { etag, ...(location === undefined ? {} : { location }) });
    response.end(status === 200 ? body : '');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const self: RepositoryServer = {
    uri: `http://127.0.0.1:${port}/`,
    files: new Map(),
    redirects: new Map(),
    cuts: new Map(),
    requests: [],
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return self;
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
