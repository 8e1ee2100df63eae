/** One import of a module, re-exports and dynamic imports included. */
export interface Import {
  readonly specifier: string;
  /** True when nothing is left of it at run time. */
  readonly typeOnly: boolean;
}

/** `import ... from 'x'`, `import 'x'`, `export ... from 'x'`; the formatter puts each at the start of a line. */
const statement =
  /^(?:import|export)(?<type>\s+type\b(?!\s*(?:,|from\s)))?(?<names>[\s\w$*{},]*?)(?:\bfrom\s*)?(?<quote>['"])(?<specifier>[^'"\n]+)\k<quote>/gm;
/** `import('x')`, as a value or inside a type. */
const dynamic = /\bimport\(\s*(?<quote>['"])(?<specifier>[^'"\n]+)\k<quote>/g;
/** Everything that looks as if it loaded a module; each must be one that was understood. */
const suspects = /^import\b(?!\.)|^export\b[^'"=;(]*\bfrom\s*['"]|\bimport\(|\brequire\(|\bcreateRequire\b/gm;

/**
 * Reads the imports of one TypeScript module that Biome has formatted.
 *
 * Throws when something that loads a module was not understood: a checker that reads less than there is says "no violations".
 */
export function readImports(source: string): readonly Import[] {
  const text = withoutComments(source);
  const imports: Import[] = [];
  for (const { groups } of text.matchAll(statement)) {
    imports.push({
      specifier: groups?.specifier ?? '',
      typeOnly: groups?.type !== undefined || onlyTypes(groups?.names ?? ''),
    });
  }
  const statements = imports.length;
  for (const { groups } of text.matchAll(dynamic)) {
    imports.push({ specifier: groups?.specifier ?? '', typeOnly: false });
  }
  const expected = [...text.matchAll(suspects)].length;
  if (expected !== imports.length) {
    throw new Error(
      `Expected to understand ${expected} imports, understood ${imports.length} (${statements} at the top level). ` +
        'Import by a literal name with import or export, each at the start of a line.',
    );
  }
  return imports;
}

/** `{ type A, type B }` */
function onlyTypes(names: string): boolean {
  const inside = /^\s*\{(?<list>[^}]*)\}\s*$/.exec(names)?.groups?.list;
  const parts = inside?.split(',').filter((part) => part.trim() !== '') ?? [];
  return parts.length > 0 && parts.every((part) => part.trim().startsWith('type '));
}

/** Comments that take whole lines or end them with ` // `; one inside a string is left alone by asking for the space. */
function withoutComments(source: string): string {
  return source.replace(/^\s*\/\*[\s\S]*?\*\//gm, '').replace(/(?:^|\s)\/\/ .*$/gm, '');
}
