import { type FileHandle, open } from 'node:fs/promises';
import { runProgramOrFail } from '../../lib/run-program.ts';

/** The two archives of a package (deb(5)), and the option with which dpkg-deb writes them out unpacked. */
const archives = [
  { name: 'control.tar', option: '--ctrl-tarfile' },
  { name: 'data.tar', option: '--fsys-tarfile' },
] as const;

const headerBytes = 60;
/** The size of a member has ten digits. */
const largestMember = 10 ** 10 - 1;
const unpackSeconds = 1800;

/**
 * Writes a package again with the same content and no compression: unpacking xz takes an emulated processor ten times
 * as long as this host. deb(5) and ar(5): members begin at even offsets.
 *
 * @param limit bytes of the new file.
 * @returns the size of the new file; undefined when it would be larger than `limit`: then it is not whole.
 * @throws ColdpatchError `host_tool_failed` for what dpkg-deb cannot read.
 */
export async function unpackPackage(
  from: string,
  to: string,
  { limit, signal }: { readonly limit: number; readonly signal: AbortSignal },
): Promise<number | undefined> {
  const most = Math.min(limit, largestMember);
  await using file = await open(to, 'wx', 0o644);
  await file.write('!<arch>\n');
  await file.write(`${headerOf('debian-binary', 4)}2.0\n`);
  for (const { name, option } of archives) {
    const start = (await file.stat()).size;
    await file.write(headerOf(name, 0));
    try {
      await runProgramOrFail({
        file: 'prlimit',
        args: [`--fsize=${most}`, 'dpkg-deb', option, from],
        output: file.fd,
        timeoutSeconds: unpackSeconds,
        signal,
      });
    } catch (error) {
      if ((await file.stat()).size >= most) return undefined;
      throw error;
    }
    await closeMember(file, name, start);
  }
  return (await file.stat()).size;
}

async function closeMember(file: FileHandle, name: string, start: number): Promise<void> {
  const end = (await file.stat()).size;
  await file.write(Buffer.from(headerOf(name, end - start - headerBytes)), 0, headerBytes, start);
  if (end % 2 === 1) await file.write('\n');
}

/** Name, time, owner, group, mode, size. */
function headerOf(name: string, size: number): string {
  const fields: readonly (readonly [string, number])[] = [
    [name, 16],
    ['0', 12],
    ['0', 6],
    ['0', 6],
    ['100644', 8],
    [String(size), 10],
  ];
  return `${fields.map(([text, width]) => text.padEnd(width)).join('')}\`\n`;
}
