import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { makeSmallImage } from '../../tools/images/make-small-image.ts';
import { bootCode } from './boot-sector.ts';
import { changeGuestImage, copyGuestImage, imageCacheDirectory } from './guest-image.ts';
import { makePackageFixture } from './package-fixture.ts';

export interface ShowingImageOptions {
  /** The new file. */
  readonly image: string;
  /** For a directory that is made. */
  readonly files: string;
  /** With which the repository is signed. */
  readonly key: Buffer;
  readonly uri: string;
  /** At most 500 letters. */
  readonly shown: string;
  /** Shell, run as root; the guest's tree is at `$root`. */
  readonly script?: string;
}

/** The small image with the package app 1.0, and with boot code that shows its file /boot/shown. */
export async function makeShowingImage(options: ShowingImageOptions): Promise<void> {
  const { image, files, key, uri, script = '' } = options;
  await copyGuestImage(await makeSmallImage(imageCacheDirectory), image);
  mkdirSync(files);
  const app = { name: 'app', version: '1.0', files: { '/usr/share/app/version': '1.0' } };
  writeFileSync(join(files, 'test.gpg'), key);
  writeFileSync(
    join(files, 'sources.list'),
    `deb [signed-by=/usr/share/keyrings/test.gpg] ${uri} stable main\n`,
  );
  writeFileSync(join(files, 'app.deb'), makePackageFixture(app).bytes);
  const shown = Buffer.alloc(512);
  shown.write(options.shown);
  writeFileSync(join(files, 'shown'), shown);
  await changeGuestImage({
    image,
    files,
    script: [
      'cp "$files/test.gpg" "$root/usr/share/keyrings/test.gpg"',
      'cp "$files/sources.list" "$root/etc/apt/sources.list"',
      'cp "$files/app.deb" "$root/root/app.deb"',
      'cp "$files/shown" "$root/boot/shown"',
      'chroot "$root" dpkg -i /root/app.deb',
      'rm "$root/root/app.deb"',
      script,
    ].join('\n'),
  });
  const debugfs = (request: string): string =>
    execFileSync('debugfs', ['-R', request, `${image}?offset=1048576`], { encoding: 'utf8' });
  const block = Number(debugfs('bmap /boot/shown 0').trim());
  const blockBytes = Number(/^Block size: +(\d+)$/m.exec(debugfs('stats -h'))?.[1]);
  const file = openSync(image, 'r+');
  writeSync(file, bootCode(2048 + (block * blockBytes) / 512), 0, 0x50, 0);
  closeSync(file);
}
