import { execFileSync } from 'node:child_process';
import { closeSync, openSync, writeSync } from 'node:fs';
import { makeSmallImage } from '../../tools/images/make-small-image.ts';
import { bootCode } from './boot-sector.ts';
import { copyGuestImage, imageCacheDirectory } from './guest-image.ts';
import { installInImage } from './install-in-image.ts';

export interface ShowingImageOptions {
  /** The new file. */
  readonly image: string;
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
  const { image, key, uri, script = '' } = options;
  await copyGuestImage(await makeSmallImage(imageCacheDirectory), image);
  const app = { name: 'app', version: '1.0', files: { '/usr/share/app/version': '1.0' } };
  const shown = Buffer.alloc(512);
  shown.write(options.shown);
  await installInImage({
    image,
    key,
    uri,
    packages: [app],
    files: { shown },
    script: `cp "$files/shown" "$root/boot/shown"\n${script}`,
  });
  const debugfs = (request: string): string =>
    execFileSync('debugfs', ['-R', request, `${image}?offset=1048576`], { encoding: 'utf8' });
  const block = Number(debugfs('bmap /boot/shown 0').trim());
  const blockBytes = Number(/^Block size: +(\d+)$/m.exec(debugfs('stats -h'))?.[1]);
  const file = openSync(image, 'r+');
  writeSync(file, bootCode(2048 + (block * blockBytes) / 512), 0, 0x50, 0);
  closeSync(file);
}
