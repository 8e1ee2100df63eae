/** What strace saw of the changes that programs made below a directory. */
import { isAbsolute, join } from 'node:path';

/** One system call that succeeded. */
export type TracedOperation =
  | {
      readonly kind: 'open';
      readonly path: string;
      readonly file: string;
      readonly truncates: boolean;
      readonly mode: number | undefined;
    }
  | {
      readonly kind: 'write';
      readonly path: string;
      readonly file: string;
      readonly data: Buffer;
      readonly at: number | undefined;
    }
  | {
      readonly kind: 'copy';
      readonly path: string;
      readonly file: string;
      readonly source: string;
      readonly from: number | undefined;
      readonly at: number | undefined;
      readonly length: number;
    }
  | { readonly kind: 'seek'; readonly path: string; readonly file: string; readonly at: number }
  | { readonly kind: 'truncate'; readonly path: string; readonly length: number }
  | { readonly kind: 'zeros'; readonly path: string; readonly at: number; readonly length: number }
  | { readonly kind: 'mode'; readonly path: string; readonly mode: number }
  | { readonly kind: 'directory'; readonly path: string }
  | { readonly kind: 'rename' | 'link'; readonly path: string; readonly to: string }
  | { readonly kind: 'unlink'; readonly path: string }
  | { readonly kind: 'sync'; readonly path: string; readonly sites: readonly string[] }
  | { readonly kind: 'sync all' }
  | { readonly kind: 'status'; readonly path: string; readonly inode: string }
  | { readonly kind: 'said'; readonly text: string };

/** For strace's `-e trace=`: all that changes a file, a directory or where a file is written next, and what reads inode numbers. */
const tracedCalls =
  'open openat creat mkdir mkdirat rename renameat renameat2 link linkat unlink unlinkat rmdir symlink symlinkat ' +
  'write pwrite64 writev pwritev lseek truncate ftruncate fallocate copy_file_range sendfile ioctl ' +
  'chmod fchmod fchmodat fsetxattr fsync fdatasync sync syncfs sync_file_range statx';

/** The arguments of strace under which `parseTrace` understands what it writes. */
export const traceArguments: readonly string[] = [
  '-f',
  '-qq',
  '-y',
  '-xx',
  '-s',
  '16000000',
  '--seccomp-bpf',
  '-e',
  'signal=none',
  '-e',
  'abbrev=none',
  '-e',
  `trace=${tracedCalls.replaceAll(' ', ',')}`,
];

/** @param said how a text begins that counts as said, on whatever descriptor it was written. */
export function parseTrace(text: string, root: string, said: RegExp): readonly TracedOperation[] {
  const unfinished = new Map<string, string>();
  const found: TracedOperation[] = [];
  for (const line of text.split('\n')) {
    const call = wholeCall(line, unfinished);
    if (call === undefined) continue;
    found.push(...operationsOf(call, root, said));
  }
  return withSites(found);
}

/** Of sources that say which of their calls they enter and leave: to each fsync all calls from which it came. */
function withSites(operations: readonly TracedOperation[]): readonly TracedOperation[] {
  const sites: string[] = [];
  return operations.map((operation) => {
    if (operation.kind === 'said') {
      const colon = operation.text.indexOf(': ');
      const [word, site] = [operation.text.slice(0, colon), operation.text.slice(colon + 2)];
      if (word === 'enter') sites.push(site);
      if (word === 'leave') sites.splice(sites.lastIndexOf(site), 1);
    }
    return operation.kind === 'sync' ? { ...operation, sites: [...sites] } : operation;
  });
}

interface Call {
  readonly name: string;
  readonly args: readonly string[];
  readonly result: number;
  /** The descriptor with its path, of calls that give one. */
  readonly opened: string;
}

/** Joins a call that another thread's interrupted in the log; its place is where it came back. */
function wholeCall(line: string, unfinished: Map<string, string>): Call | undefined {
  const [, pid = '', rest = ''] = /^(\d+) +(.*)$/.exec(line) ?? [];
  const begun = / <unfinished \.\.\.>$/.exec(rest);
  if (begun) {
    unfinished.set(pid, rest.slice(0, begun.index));
    return undefined;
  }
  const resumed = /^<\.\.\. \w+ resumed>/.exec(rest);
  const whole = resumed ? `${unfinished.get(pid) ?? ''}${rest.slice(resumed[0].length)}` : rest;
  const end = whole.lastIndexOf(') ');
  const parts = /^(\w+)\(/.exec(whole);
  const [, opened = '', number = ''] = /^\) +(?:=) ((-?\d+)(?:<[^>]*>)?)/.exec(whole.slice(end)) ?? [];
  if (!parts || number === '' || Number(number) < 0) return undefined;
  return {
    name: parts[1] ?? '',
    args: splitArguments(whole.slice(parts[0].length, end)),
    result: Number(number),
    opened,
  };
}

/** At commas outside of brackets; in strings are only hexadecimal escapes. */
function splitArguments(text: string): readonly string[] {
  const found: string[] = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (character === '{' || character === '[' || character === '(') depth += 1;
    else if (character === '}' || character === ']' || character === ')') depth -= 1;
    else if (character === '"') at = text.indexOf('"', at + 1);
    else if (character === ',' && depth === 0) {
      found.push(text.slice(from, at).trim());
      from = at + 1;
    }
  }
  return [...found, text.slice(from).trim()];
}

function operationsOf(call: Call, root: string, said: RegExp): readonly TracedOperation[] {
  const operation = operationOf(call, said);
  if (operation === undefined) return [];
  if (operation.kind === 'said' || operation.kind === 'sync all') return [operation];
  const isOurs = (path: string): boolean => path === root || path.startsWith(`${root}/`);
  if (isOurs(operation.path)) return [operation];
  if ((operation.kind === 'rename' || operation.kind === 'link') && isOurs(operation.to)) {
    throw new Error(`Expected no file to come from outside of ${root}, but ${operation.path} does.`);
  }
  return [];
}

function operationOf({ name, args, result, opened }: Call, said: RegExp): TracedOperation | undefined {
  const arg = (index: number): string => args[index] ?? '';
  const number = (index: number): number => Number(arg(index));
  const path = (directory: number, index: number): string => resolvePath(arg(directory), textOf(arg(index)));
  switch (name) {
    case 'openat': {
      const flags = arg(2);
      const file = pathOf(opened);
      return {
        kind: 'open',
        path: file,
        file: fileOf(opened, file),
        truncates: flags.includes('O_TRUNC'),
        mode: flags.includes('O_CREAT') ? Number.parseInt(arg(3), 8) & 0o7777 : undefined,
      };
    }
    case 'creat': {
      const file = pathOf(opened);
      return {
        kind: 'open',
        path: file,
        file: fileOf(opened, file),
        truncates: true,
        mode: Number.parseInt(arg(1), 8) & 0o7777,
      };
    }
    case 'fallocate':
      if (!arg(1).includes('KEEP_SIZE')) break;
      // Else it takes room, which nobody sees.
      return /PUNCH_HOLE|ZERO_RANGE/.test(arg(1))
        ? { kind: 'zeros', path: pathOf(arg(0)), at: number(2), length: number(3) }
        : undefined;
    case 'write':
    case 'pwrite64': {
      const data = bytesOf(arg(1)).subarray(0, result);
      if (said.test(data.toString('latin1', 0, 40))) return { kind: 'said', text: data.toString().trim() };
      const file = pathOf(arg(0));
      return {
        kind: 'write',
        path: file,
        file: fileOf(arg(0), file),
        data,
        at: name === 'write' ? undefined : number(3),
      };
    }
    case 'pwritev':
    case 'writev': {
      const data = Buffer.concat(
        [...arg(1).matchAll(/iov_base="([^"]*)"/g)].map(([, text = '']) => bytesOf(text)),
      );
      const file = pathOf(arg(0));
      return {
        kind: 'write',
        path: file,
        file: fileOf(arg(0), file),
        data: data.subarray(0, result),
        at: name === 'pwritev' ? number(3) : undefined,
      };
    }
    case 'copy_file_range': {
      const file = pathOf(arg(2));
      return {
        kind: 'copy',
        path: file,
        file: fileOf(arg(2), file),
        source: pathOf(arg(0)),
        from: offsetOf(arg(1)),
        at: offsetOf(arg(3)),
        length: result,
      };
    }
    case 'sendfile': {
      const file = pathOf(arg(0));
      return {
        kind: 'copy',
        path: file,
        file: fileOf(arg(0), file),
        source: pathOf(arg(1)),
        from: offsetOf(arg(2)),
        at: undefined,
        length: result,
      };
    }
    case 'ioctl': {
      if (!arg(1).includes('FICLONE')) return undefined;
      const file = pathOf(arg(0));
      return {
        kind: 'copy',
        path: file,
        file: fileOf(arg(0), file),
        source: arg(2),
        from: 0,
        at: 0,
        length: Number.POSITIVE_INFINITY,
      };
    }
    case 'lseek':
      return { kind: 'seek', path: pathOf(arg(0)), file: fileOf(arg(0), pathOf(arg(0))), at: result };
    case 'ftruncate':
      return { kind: 'truncate', path: pathOf(arg(0)), length: number(1) };
    case 'chmod':
      return { kind: 'mode', path: textOf(arg(0)), mode: Number.parseInt(arg(1), 8) & 0o7777 };
    case 'fchmod':
      return { kind: 'mode', path: pathOf(arg(0)), mode: Number.parseInt(arg(1), 8) & 0o7777 };
    case 'fsetxattr': {
      const mode = textOf(arg(1)) === 'system.posix_acl_access' ? modeOfAcl(bytesOf(arg(2))) : undefined;
      return mode === undefined ? undefined : { kind: 'mode', path: pathOf(arg(0)), mode };
    }
    case 'mkdir':
      return { kind: 'directory', path: textOf(arg(0)) };
    case 'mkdirat':
      return { kind: 'directory', path: path(0, 1) };
    case 'rename':
    case 'link':
      return { kind: name, path: textOf(arg(0)), to: textOf(arg(1)) };
    case 'renameat':
    case 'renameat2':
      return { kind: 'rename', path: path(0, 1), to: path(2, 3) };
    case 'unlink':
    case 'rmdir':
      return { kind: 'unlink', path: textOf(arg(0)) };
    case 'unlinkat':
      return { kind: 'unlink', path: path(0, 1) };
    case 'symlink':
      return { kind: 'open', path: textOf(arg(1)), file: '', truncates: false, mode: 0o777 };
    case 'fsync':
    case 'fdatasync':
      return { kind: 'sync', path: pathOf(arg(0)), sites: [] };
    case 'sync':
    case 'syncfs':
      return { kind: 'sync all' };
    case 'statx': {
      const inode = /stx_ino=(\d+)/.exec(arg(4))?.[1];
      return inode === undefined ? undefined : { kind: 'status', path: path(0, 1), inode };
    }
    default:
      break;
  }
  throw new Error(
    `Expected calls that the model knows, but found ${name}(${args.join(', ').slice(0, 300)}).`,
  );
}

/** Of `3</path>`: the path; it is in hexadecimal escapes. */
function pathOf(descriptor: string): string {
  const text = /<(.*)>$/.exec(descriptor)?.[1] ?? '';
  return bytesOf(text)
    .toString()
    .replace(/ \(deleted\)$/, '');
}

/** Tells the descriptors of one file apart. */
function fileOf(descriptor: string, path: string): string {
  return `${Number.parseInt(descriptor, 10)} ${path}`;
}

function resolvePath(directory: string, path: string): string {
  return isAbsolute(path) ? path : path === '' ? pathOf(directory) : join(pathOf(directory), path);
}

function textOf(argument: string): string {
  return bytesOf(argument).toString();
}

function bytesOf(argument: string): Buffer {
  return Buffer.from(
    argument.replaceAll(/[^0-9a-f]/g, (character) => (character === '\\' ? '' : '')),
    'hex',
  );
}

/** cp sets a mode as the access control list that says the same: linux/posix_acl_xattr.h. */
function modeOfAcl(list: Buffer): number {
  const permissions = (tag: number): number => {
    for (let at = 4; at + 8 <= list.length; at += 8)
      if (list.readUInt16LE(at) === tag) return list.readUInt16LE(at + 2);
    return 0;
  };
  const [owner, group, others] = [0x01, 0x04, 0x20];
  return permissions(owner) * 0o100 + permissions(group) * 0o10 + permissions(others);
}

/** Of `[0] => [4096]`, or NULL. */
function offsetOf(argument: string): number | undefined {
  const text = /^\[(\d+)\]/.exec(argument)?.[1];
  return text === undefined ? undefined : Number(text);
}
