import { randomUUID } from 'node:crypto';
import { ColdpatchError } from '../../lib/errors.ts';
import { runProgram } from '../../lib/run-program.ts';

const timeoutSeconds = 120;
const mostBytes = 64 * 1024 * 1024;
const objectsAtATime = 20;
const mostObjects = 100_000;

/**
 * Asks libvirt, over a connection that can change nothing.
 *
 * @param args one command of virsh; nothing in it may come from libvirt but UUIDs.
 * @throws ColdpatchError `source_unreachable`: a libvirt that does not answer must not look like an empty one.
 */
export async function askVirsh(uri: string, args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await runProgram({
    file: 'virsh',
    args: [`--connect=${uri}`, '--readonly', '--quiet', ...args],
    timeoutSeconds,
    maxOutputBytes: mostBytes,
  });
  if (exitCode === 0 && stdout.length < mostBytes) return stdout;
  const words = exitCode === 0 ? 'it said more than can be read' : stderr.trim().slice(0, 500);
  throw unreachable(uri, words);
}

/** The UUIDs that a command lists. */
export async function askForUuids(uri: string, args: readonly string[]): Promise<readonly string[]> {
  const lines = (await askVirsh(uri, [...args, '--uuid'])).split('\n').map((line) => line.trim());
  const uuids = lines.filter((line) => line !== '');
  const strange = uuids.find((line) => !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(line));
  if (strange !== undefined) throw unreachable(uri, `it listed ${JSON.stringify(strange.slice(0, 80))}`);
  if (uuids.length > mostObjects) throw unreachable(uri, `it listed more than ${mostObjects} objects`);
  return uuids;
}

/** The XML of many objects, some of them in one run of virsh: starting one for each takes 20 ms. */
export async function describeObjects(
  uri: string,
  command: readonly string[],
  uuids: readonly string[],
): Promise<readonly string[]> {
  const documents: string[] = [];
  for (let first = 0; first < uuids.length; first += objectsAtATime) {
    const some = uuids.slice(first, first + objectsAtATime);
    // Nobody who wrote into a description knows the mark.
    const mark = randomUUID();
    const script = some.map((uuid) => `echo ${mark}; ${command.join(' ')} ${uuid}`).join('; ');
    const found = (await askVirsh(uri, [script])).split(mark).slice(1);
    if (found.length !== some.length) throw unreachable(uri, 'it described fewer objects than it listed');
    documents.push(...found.map((text) => text.trim()));
  }
  return documents;
}

export function unreachable(uri: string, words: string): ColdpatchError {
  return new ColdpatchError(
    'source_unreachable',
    `Expected the libvirt at ${uri} to tell its pools and domains, but: ${words}`,
  );
}
