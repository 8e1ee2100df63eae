/** A call in the sources that makes something durable. */
export interface SyncCall {
  /** `src/lib/durable-file.ts:34 file.sync()`: no other has it. */
  readonly name: string;
  readonly callee: string;
  /** How it stands in the marked source, and what stands there without it. */
  readonly marked: string;
  readonly removed: string;
}

/** Functions of `src/lib/durable-file.ts`, and the methods of a file, that sync. */
const syncing =
  /\bawait ((sync[A-Z]\w*|\w+\.(?:sync|datasync)|renameDurably|linkDurably|writeFileDurably|writeFileSynced)\()/g;

const mark = `
async function markSync(name, work) {
  const { writeSync } = process.getBuiltinModule('node:fs');
  writeSync(1, \`enter: \${name}\\n\`);
  try {
    return await work();
  } finally {
    writeSync(1, \`leave: \${name}\\n\`);
  }
}
`;

/** Finds all of one source; in `marked`, each says on standard output when it is entered and left. */
export function findSyncCalls(
  file: string,
  source: string,
): { readonly calls: readonly SyncCall[]; readonly marked: string } {
  const calls: SyncCall[] = [];
  let marked = '';
  let from = 0;
  for (const match of source.matchAll(syncing)) {
    const begin = match.index + 'await '.length;
    const end = endOfCall(source, match.index + match[0].length);
    const text = source.slice(begin, end);
    const line = source.slice(0, begin).split('\n').length;
    const name = `${file}:${line} ${text.replaceAll(/\s+/g, ' ').slice(0, 80).trim()}`;
    const around = (work: string): string => `markSync(${JSON.stringify(name)}, async () => ${work})`;
    const call = { marked: around(`await ${text}`), removed: around('undefined') };
    calls.push({ name, callee: match[2] ?? '', ...call });
    marked += `${source.slice(from, begin)}${call.marked}`;
    from = end;
  }
  if (calls.length === 0) return { calls, marked: source };
  return { calls, marked: `${marked}${source.slice(from)}${mark}` };
}

/** Behind the bracket that closes the one before `from`. */
function endOfCall(source: string, from: number): number {
  let depth = 1;
  for (let at = from; at < source.length; at += 1) {
    if (source[at] === '(') depth += 1;
    else if (source[at] === ')') depth -= 1;
    if (depth === 0) return at + 1;
  }
  throw new Error('Expected a call that ends.');
}
