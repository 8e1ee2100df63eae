/** `npm run demo [-- IMAGE]`: the main job of coldpatch on a real image, from nothing. */
import { constants, copyFile, mkdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { spawnSync } from 'node:child_process';
import { makeServerImage } from './images/make-server-image.ts';
import { installSystemPackages } from './install-system-packages.ts';
import { systemPackages } from './system-packages.ts';

const root = join(import.meta.dirname, '..');
const isRoot = process.geteuid?.() === 0;
const cacheDirectory = '/var/cache/coldpatch';

function say(text: string): void {
  process.stdout.write(`\n── ${text}\n`);
}

/** Runs the product as an operator would, and shows the command. */
function coldpatch(...args: readonly string[]): void {
  say(`coldpatch ${args.join(' ')}`);
  const { status } = spawnSync(join(root, 'bin/coldpatch'), args, { stdio: 'inherit' });
  if (status !== 0) {
    process.exit(status ?? 1);
  }
}

/** The operator's own image is copied too: a demo must not change it. */
async function copyForDemo(original: string): Promise<string> {
  const directory = join(cacheDirectory, 'demo');
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const copy = join(directory, 'server.qcow2');
  await copyFile(original, copy, constants.COPYFILE_FICLONE);
  return copy;
}

const [given] = process.argv.slice(2);
if (!installSystemPackages([...systemPackages.product, ...systemPackages.demo])) process.exit(3);
if (!isRoot) {
  process.stderr.write(
    'coldpatch: the demo mounts a copy and runs package scripts. Run: sudo npm run demo\n',
  );
  process.exit(3);
}
const original = given
  ? resolve(given)
  : (await makeServerImage({ cacheDirectory, log: (line) => process.stdout.write(`   ${line}\n`) })).path;
say(`a copy of ${original} is upgraded; the original stays as it is`);
const image = await copyForDemo(original);
coldpatch('inspect', image);
coldpatch('plan', image);
coldpatch('update', image, '--trust-image', '--report', join(cacheDirectory, 'demo/report.json'));
coldpatch('generations', image);
say(`The upgraded image is ${image}, the report is ${join(cacheDirectory, 'demo/report.json')}.`);
say(`To take the image back: bin/coldpatch rollback ${image}`);
