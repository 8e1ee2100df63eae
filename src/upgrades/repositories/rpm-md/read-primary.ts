import { ColdpatchError } from '../../../lib/errors.ts';
import { readXml } from './read-xml.ts';

/** A package as a primary.xml lists it. */
export interface ListedPackage {
  readonly name: string;
  readonly architecture: string;
  /** `[epoch:]version-release`, without an epoch of 0. */
  readonly version: string;
  /** `name-epoch:version-release.architecture`, as modules name their packages. */
  readonly nevra: string;
}

const maximumPackages = 2_000_000;
const nameShape = /^[A-Za-z0-9_][A-Za-z0-9+._~^-]{0,254}$/;
const versionShape = /^(?![^]*[-:])[!-~]{1,255}$/;
const epochShape = /^\d{1,10}$/;
const architectureShape = /^[A-Za-z0-9_]{1,64}$/;

/**
 * Tells of each package of a primary.xml; sources are left out.
 *
 * @param what names the list in messages
 * @throws ColdpatchError `repository_corrupt`, `repository_too_large`
 */
export async function readPrimary(
  chunks: AsyncIterable<Uint8Array>,
  what: string,
  onPackage: (listed: ListedPackage) => void,
): Promise<void> {
  let count = 0;
  let name = '';
  let architecture = '';
  let version: Readonly<Record<string, string>> = {};
  await readXml(chunks, what, {
    open(element, attributes, depth) {
      if (depth === 1 && element !== 'metadata') throw corrupt(what, 'the element metadata', element);
      if (depth === 2) {
        name = '';
        architecture = '';
        version = {};
      }
      if (depth === 3 && element === 'version') version = attributes;
    },
    close(element, text, depth) {
      if (depth === 3 && element === 'name') name = text.trim();
      if (depth === 3 && element === 'arch') architecture = text.trim();
      if (depth !== 2 || element !== 'package') return;
      count += 1;
      if (count > maximumPackages) {
        throw new ColdpatchError(
          'repository_too_large',
          `Expected at most ${maximumPackages} packages in ${what}, found more. Tell whoever keeps the repository.`,
        );
      }
      if (architecture === 'src' || architecture === 'nosrc') return;
      onPackage(listedPackage(name, architecture, version, what));
    },
  });
}

function listedPackage(
  name: string,
  architecture: string,
  attributes: Readonly<Record<string, string>>,
  what: string,
): ListedPackage {
  const { epoch = '0', ver = '', rel = '' } = attributes;
  const isWhole =
    nameShape.test(name) &&
    architectureShape.test(architecture) &&
    epochShape.test(epoch) &&
    versionShape.test(ver) &&
    versionShape.test(rel);
  if (!isWhole) {
    throw corrupt(
      what,
      'the name and version of a package',
      `${name} ${epoch}:${ver}-${rel} ${architecture}`,
    );
  }
  const number = Number(epoch);
  return {
    name,
    architecture,
    version: `${number === 0 ? '' : `${number}:`}${ver}-${rel}`,
    nevra: `${name}-${number}:${ver}-${rel}.${architecture}`,
  };
}

function corrupt(what: string, expected: string, found: string): ColdpatchError {
  return new ColdpatchError(
    'repository_corrupt',
    `Expected ${expected} in ${what}, found "${found.slice(0, 200)}". Tell whoever keeps the repository.`,
  );
}
