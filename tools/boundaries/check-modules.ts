import { posix } from 'node:path';
import { findCycle } from './find-cycle.ts';
import { type Import, readImports } from './read-imports.ts';
import { roomOf, roomTable } from './room-table.ts';

const maximumLines = 400;
const isTest = /\.test\.ts$/;
const kebabCase = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.test|\.config)?\.ts$/;

/** What a check found. `read` is the number of modules whose imports were read. */
export interface BoundaryReport {
  readonly read: number;
  readonly violations: readonly string[];
}

/** Holds the room table, the rule of adapters, acyclic imports, file sizes and file names over src/. Paths are below src/. */
export function checkModules(sources: ReadonlyMap<string, string>): BoundaryReport {
  const violations: string[] = [];
  const graph = new Map<string, readonly string[]>();
  for (const [path, source] of sources) {
    violations.push(...checkFile(path, source));
    const imports = readOrReport(path, source, violations);
    if (imports === undefined) {
      continue;
    }
    const targets: string[] = [];
    for (const { specifier, typeOnly } of imports) {
      if (!specifier.startsWith('.')) {
        continue;
      }
      const target = posix.normalize(posix.join(posix.dirname(path), specifier));
      targets.push(target);
      violations.push(...checkImport({ path, target, typeOnly, sources }));
    }
    graph.set(path, targets);
  }
  const cycle = findCycle(graph);
  if (cycle !== undefined) {
    violations.push(`src/${cycle[0]}: import cycle ${cycle.join(' -> ')}`);
  }
  return { read: graph.size, violations };
}

/** Size and name, which hold for every TypeScript file of the project. */
export function checkFile(path: string, source: string): readonly string[] {
  const violations: string[] = [];
  const lines = source.split('\n').length - 1;
  if (lines > maximumLines && !isTest.test(path)) {
    violations.push(`${path}: ${lines} lines, at most ${maximumLines} are allowed; split it`);
  }
  if (!kebabCase.test(posix.basename(path))) {
    violations.push(`${path}: the file name is not in kebab-case`);
  }
  return violations;
}

function readOrReport(path: string, source: string, violations: string[]): readonly Import[] | undefined {
  try {
    return readImports(source);
  } catch (error) {
    violations.push(`src/${path}: ${(error as Error).message}`);
    return undefined;
  }
}

interface Edge {
  readonly path: string;
  readonly target: string;
  readonly typeOnly: boolean;
  readonly sources: ReadonlyMap<string, string>;
}

function checkImport({ path, target, typeOnly, sources }: Edge): readonly string[] {
  if (target.startsWith('../')) {
    return isTest.test(path) ? [] : [`src/${path}: imports ${target}, which is outside src`];
  }
  if (!sources.has(target)) {
    return [`src/${path}: imports src/${target}, which does not exist`];
  }
  const from = roomOf(path);
  const to = roomOf(target);
  const rule = roomTable[from];
  if (rule === undefined) {
    return [`src/${path}: the room ${from} is not in the table of tools/boundaries/room-table.ts`];
  }
  const allowed = from === to || rule.values.includes(to) || (typeOnly && rule.types?.includes(to) === true);
  if (!allowed) {
    return [
      `src/${path}: ${from} must not import ${typeOnly ? 'types' : 'values'} from ${to} (src/${target})`,
    ];
  }
  return checkAdapter(path, target, sources);
}

/** A folder beside a registry.ts is an adapter: only the registry, the adapter itself and tests may name what is in it. */
function checkAdapter(path: string, target: string, sources: ReadonlyMap<string, string>): readonly string[] {
  const adapter = posix.dirname(target);
  const family = posix.dirname(adapter);
  const registry = `${family}/registry.ts`;
  if (!sources.has(registry) || path === registry || path.startsWith(`${adapter}/`) || isTest.test(path)) {
    return [];
  }
  if (posix.basename(target) !== 'index.ts') {
    return [];
  }
  return [`src/${path}: names the adapter ${adapter}; ask ${registry} for it by its id`];
}
