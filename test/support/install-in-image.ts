import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { changeGuestImage } from './guest-image.ts';
import { makePackageFixture, type PackageFixture } from './package-fixture.ts';

export interface InstallOptions {
  /** A raw disk with Debian on its first partition, which starts at 1 MiB. It is changed. */
  readonly image: string;
  /** The key of the repository, and its address: the only source of the image from now on. */
  readonly key: Buffer;
  readonly uri: string;
  readonly packages: readonly PackageFixture[];
  /** Shell that runs afterwards, as root; the guest's tree is at `$root`, and `$files` has these. */
  readonly script?: string;
  readonly files?: Readonly<Record<string, Buffer>>;
}

/** Installs packages in an image by its own dpkg, and makes a repository the source of newer ones. */
export async function installInImage(options: InstallOptions): Promise<void> {
  const { image, key, uri, packages, script = '', files = {} } = options;
  const directory = mkdtempSync(join(tmpdir(), 'install-'));
  const all = {
    ...files,
    'test.gpg': key,
    'sources.list': `deb [signed-by=/usr/share/keyrings/test.gpg] ${uri} stable main\n`,
    ...Object.fromEntries(packages.map((one) => [`${one.name}.deb`, makePackageFixture(one).bytes])),
  };
  try {
    for (const [name, content] of Object.entries(all)) writeFileSync(join(directory, name), content);
    await changeGuestImage({
      image,
      files: directory,
      script: [
        'cp "$files/test.gpg" "$root/usr/share/keyrings/test.gpg"',
        'cp "$files/sources.list" "$root/etc/apt/sources.list"',
        'cp "$files"/*.deb "$root/root/"',
        'chroot "$root" sh -c "dpkg --force-unsafe-io -i /root/*.deb"',
        'rm "$root"/root/*.deb',
        script,
      ].join('\n'),
    });
  } finally {
    rmSync(directory, { recursive: true });
  }
}
