import type { ModuleChoice } from '../../../guest/yum-configuration.ts';
import type { ListedPackage } from './read-primary.ts';
import type { ModuleDocument } from './read-modules.ts';

/** Which packages count for a guest, by what it decided about modules. */
export interface ModuleFilter {
  add(document: ModuleDocument): void;
  /** @param moduleHotfixes the repository's packages count in any case */
  counts(listed: Pick<ListedPackage, 'name' | 'nevra'>, moduleHotfixes: boolean): boolean;
}

/**
 * The rules of dnf's modularity: packages of a stream count when the guest has enabled it, or when it is the default of
 * a module about which nothing was decided; and then packages of the same names without a module do not.
 *
 * @param isInstalled packages of other names are not remembered
 */
export function moduleFilter(
  choices: ReadonlyMap<string, ModuleChoice>,
  isInstalled: (name: string) => boolean,
): ModuleFilter {
  const streams = new Map<string, { readonly module: string; readonly stream: string }[]>();
  const defaults = new Map<string, string>();
  let active: { readonly packages: ReadonlySet<string>; readonly names: ReadonlySet<string> } | undefined;

  function isActive({ module, stream }: { readonly module: string; readonly stream: string }): boolean {
    const choice = choices.get(module);
    if (choice?.state === 'enabled') return choice.stream === stream;
    return choice?.state !== 'disabled' && defaults.get(module) === stream;
  }
  function findActive() {
    const packages = [...streams].filter(([, of]) => of.some(isActive)).map(([nevra]) => nevra);
    return { packages: new Set(packages), names: new Set(packages.map(nameOf)) };
  }
  return {
    add(document) {
      active = undefined;
      if (document.kind === 'default') {
        defaults.set(document.module, document.stream);
        return;
      }
      const { module, stream, packages } = document;
      for (const nevra of packages) {
        if (!isInstalled(nameOf(nevra))) continue;
        const known = streams.get(nevra);
        if (known === undefined) streams.set(nevra, [{ module, stream }]);
        else if (!known.some((one) => one.module === module && one.stream === stream))
          known.push({ module, stream });
      }
    },
    counts({ name, nevra }, moduleHotfixes) {
      if (moduleHotfixes) return true;
      active ??= findActive();
      return streams.has(nevra) ? active.packages.has(nevra) : !active.names.has(name);
    },
  };
}

/** Of `name-epoch:version-release.architecture`. */
function nameOf(nevra: string): string {
  return /^(.+)-\d+:[^:]+$/.exec(nevra)?.[1] ?? nevra;
}
