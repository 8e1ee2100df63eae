import type { RecordedPackage } from '../types.ts';
import { databaseCorrupt } from './database-corrupt.ts';
import { tags } from './header-layout.ts';
import { parseHeader } from './parse-header.ts';
import { verifyHeader } from './verify-header.ts';

/** One package of rpm's database. Its version is `[epoch:]version-release`, without an epoch of 0. */
export interface RpmPackage extends RecordedPackage {
  /** File name of the source package, which advisories speak of: `bash-5.1.8-9.el9.src.rpm`. */
  readonly sourcePackage: string | undefined;
  /** Seconds since 1970. */
  readonly installedAt: number | undefined;
  /** Several versions are meant to be installed side by side, as of kernels. */
  readonly isInstallOnly: boolean;
}

const nameShape = /^[A-Za-z0-9_][A-Za-z0-9+._~^-]{0,254}$/;
/** Versions and releases hold no hyphen and no colon, which divide them. */
const versionShape = /^(?![^]*[-:])[!-~]{1,255}$/;
const architectureShape = /^[A-Za-z0-9_]{1,64}$/;
const installOnly = /^(?:installonlypkg|multiversion)\(/;

/** A public key that rpm keeps as if it were a package. */
const keyName = 'gpg-pubkey';

/**
 * The package that a header is of; undefined for a key.
 *
 * @throws `package_database_unreadable` when the header is damaged.
 */
export function parseRpmPackage(bytes: Uint8Array): RpmPackage | undefined {
  const header = parseHeader(bytes);
  const name = header.text(tags.name) ?? '';
  const version = header.text(tags.version) ?? '';
  const release = header.text(tags.release) ?? '';
  const architecture = header.text(tags.architecture) ?? '';
  if (name === keyName) return undefined;
  if (!nameShape.test(name) || !versionShape.test(version) || !versionShape.test(release)) {
    throw databaseCorrupt(
      'the name of a package',
      JSON.stringify(`${name}-${version}-${release}`.slice(0, 80)),
    );
  }
  if (architecture !== '' && !architectureShape.test(architecture)) {
    throw databaseCorrupt('the name of an architecture', JSON.stringify(architecture.slice(0, 80)));
  }
  verifyHeader(header);
  const epoch = header.number(tags.epoch) ?? 0;
  const whole = `${epoch === 0 ? '' : `${epoch}:`}${version}-${release}`;
  const source = sourceOf(header.text(tags.sourcePackage), whole);
  return {
    name,
    version: whole,
    architecture,
    manager: 'rpm',
    sourcePackage: header.text(tags.sourcePackage),
    ...(source && { source }),
    installedAt: header.number(tags.installTime),
    isInstallOnly: header.texts(tags.provides).some((provided) => installOnly.test(provided)),
  };
}

/** A source package's file name has no epoch: that of the package counts where the rest is the same. */
function sourceOf(
  fileName: string | undefined,
  version: string,
): { readonly name: string; readonly version: string } | undefined {
  const [, name, ownVersion, release] = /^(.+)-([^-]+)-([^-]+)\.(?:no)?src\.rpm$/.exec(fileName ?? '') ?? [];
  if (name === undefined || !nameShape.test(name)) return undefined;
  const own = `${ownVersion}-${release}`;
  return { name, version: version.replace(/^\d+:/, '') === own ? version : own };
}
