import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ColdpatchError } from '../../lib/errors.ts';
import { acquireFileLock, type FileLock } from '../../lib/file-lock.ts';
import { makePrivateDirectory } from '../make-private-directory.ts';

/** Where all is that coldpatch remembers of this host: below the configured state directory, for its owner alone. */
export interface HostState {
  readonly path: string;
  /** One directory for each machine, by its name. */
  readonly machines: string;
  /** Outside every machine's directory, so that a machine put back as a whole does not take it along. */
  readonly log: string;
  readonly privateKey: string;
  readonly publicKey: string;
}

export function hostStateOf(stateDirectory: string): HostState {
  return {
    path: stateDirectory,
    machines: join(stateDirectory, 'machines'),
    log: join(stateDirectory, 'generations.log'),
    privateKey: join(stateDirectory, 'service-key.pem'),
    publicKey: join(stateDirectory, 'service-key.pub'),
  };
}

/** Makes the state directory if it is not there. @throws ColdpatchError `image_link_unsafe`. */
export async function openHostState(stateDirectory: string): Promise<HostState> {
  const host = hostStateOf(stateDirectory);
  await mkdir(dirname(host.path), { recursive: true });
  await makePrivateDirectory(host.path);
  await makePrivateDirectory(host.machines);
  return host;
}

/** For what all machines share: the list of machines, the key and the log. Held for moments only. */
export function lockHostState(host: HostState): Promise<FileLock> {
  const path = join(host.path, 'lock');
  return acquireFileLock({
    path,
    waitSeconds: 60,
    busy: (cause) =>
      new ColdpatchError(
        'image_busy',
        `Expected ${path} to be free within 60 s, but another run of coldpatch holds it. Try again.`,
        { cause },
      ),
  });
}
