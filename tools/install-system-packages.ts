/**
 * Installs the Debian packages that are missing, or says how.
 *
 *   tools/with-node tools/install-system-packages.ts [product|demo|test|bench]...
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { findMissingPackages } from './find-missing-packages.ts';
import { type SystemPackage, systemPackages } from './system-packages.ts';

/** A user's PATH lacks the folders of programs for root. */
const programFolders = [...(process.env.PATH ?? '').split(':').filter(Boolean), '/usr/sbin', '/sbin'];

/**
 * True when every package is there in the end.
 *
 * As root it installs what is missing; as anybody else it prints the one command that does.
 */
export function installSystemPackages(packages: readonly SystemPackage[]): boolean {
  const missing = findMissingPackages(packages, programFolders).map(({ name }) => name);
  if (missing.length === 0) {
    return true;
  }
  if (!existsSync('/usr/bin/apt-get')) {
    console.error(`coldpatch: needs what Debian 12 has in these packages: ${missing.join(' ')}`);
    return false;
  }
  if (process.getuid?.() !== 0) {
    const install = `apt-get install --yes --no-install-recommends ${missing.join(' ')}`;
    console.error(
      `coldpatch: needs ${missing.length} system packages. Run:\n  sudo sh -c 'apt-get update && ${install}'`,
    );
    return false;
  }
  console.error(`coldpatch: installing the system packages ${missing.join(' ')}`);
  return aptInstall(missing) && provenNow(packages);
}

/** Package lists may be missing, or so old that the files they name are gone: both are cured by an update, once. */
function aptInstall(names: readonly string[]): boolean {
  const install = ['install', '--yes', '--quiet', '--no-install-recommends', ...names];
  if (apt(['install', '--simulate', '--quiet', ...names], 'ignore') && apt(install, 'inherit')) {
    return true;
  }
  if (!apt(['update', '--quiet'], 'inherit')) {
    console.error(
      'coldpatch: apt-get update failed. Check the network and /etc/apt/sources.list, then run the same command again.',
    );
    return false;
  }
  return apt(install, 'inherit');
}

/** Its standard output goes to standard error, so that ours stays what was asked for. */
function apt(command: readonly string[], output: 'inherit' | 'ignore'): boolean {
  const stream = output === 'inherit' ? process.stderr : 'ignore';
  const { status } = spawnSync('apt-get', ['--option=DPkg::Lock::Timeout=300', ...command], {
    stdio: ['ignore', stream, stream],
    env: {
      ...process.env,
      DEBIAN_FRONTEND: 'noninteractive',
      NEEDRESTART_SUSPEND: '1',
      // Without it a kernel package, of which only the file is wanted, builds an initramfs for this host.
      INITRD: 'No',
    },
  });
  return status === 0;
}

function provenNow(packages: readonly SystemPackage[]): boolean {
  const missing = findMissingPackages(packages, programFolders);
  for (const { name, proof } of missing) {
    console.error(`coldpatch: installed ${name}, but did not find ${proof.join(', ')}`);
  }
  return missing.length === 0;
}

if (import.meta.main) {
  const purposes = process.argv.slice(2);
  const known: Readonly<Record<string, readonly SystemPackage[]>> = systemPackages;
  const packages = purposes.map((purpose) => known[purpose]).filter((each) => each !== undefined);
  if (packages.length === 0 || packages.length < purposes.length) {
    const names = Object.keys(known).join(', ');
    console.error(`coldpatch: expected one or more of ${names}, found: ${purposes.join(' ')}`);
    process.exitCode = 2;
  } else if (!installSystemPackages(packages.flat())) {
    process.exitCode = 3;
  }
}
