/** A way from a module back to itself, or undefined when there is none. */
export function findCycle(graph: ReadonlyMap<string, readonly string[]>): readonly string[] | undefined {
  const done = new Set<string>();
  for (const start of graph.keys()) {
    const cycle = walk(graph, start, [], done);
    if (cycle !== undefined) {
      return cycle;
    }
  }
  return undefined;
}

function walk(
  graph: ReadonlyMap<string, readonly string[]>,
  module: string,
  path: readonly string[],
  done: Set<string>,
): readonly string[] | undefined {
  const seenAt = path.indexOf(module);
  if (seenAt !== -1) {
    return [...path.slice(seenAt), module];
  }
  if (done.has(module)) {
    return undefined;
  }
  for (const next of graph.get(module) ?? []) {
    const cycle = walk(graph, next, [...path, module], done);
    if (cycle !== undefined) {
      return cycle;
    }
  }
  done.add(module);
  return undefined;
}
