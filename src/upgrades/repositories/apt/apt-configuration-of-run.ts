import { type AptSettings, formatAptSettings } from './apt-settings.ts';

export interface AptRunPaths {
  /** What is alike for all images with the same lists: `lists/`, `sources.list`, `methods/`. */
  readonly shared: string;
  /** What belongs to this run: `status`, `extended_states`, `preferences.d/`. */
  readonly own: string;
}

/**
 * An apt.conf with which apt reads nothing of this host's own configuration, lists or packages, runs no hook,
 * and has no way to the network: every method is the one that copies files, and nothing is ever asked of it.
 */
export function aptConfigurationOfRun(
  { shared, own }: AptRunPaths,
  architectures: readonly string[],
  imageSettings: Readonly<Record<string, string>>,
): string {
  const settings: AptSettings = {
    ...imageChoices(imageSettings),
    Dir: `${own}/`,
    'Dir::Etc': `${own}/`,
    'Dir::Etc::main': '/dev/null',
    'Dir::Etc::parts': '/dev/null',
    'Dir::Etc::sourcelist': `${shared}/sources.list`,
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::Etc::preferences': '/dev/null',
    'Dir::Etc::preferencesparts': `${own}/preferences.d/`,
    'Dir::Etc::trusted': '/dev/null',
    'Dir::Etc::trustedparts': '/dev/null',
    'Dir::Etc::netrc': '/dev/null',
    'Dir::Etc::netrcparts': '/dev/null',
    'Dir::State': `${own}/`,
    'Dir::State::status': `${own}/status`,
    'Dir::State::extended_states': `${own}/extended_states`,
    'Dir::State::lists': `${shared}/lists/`,
    'Dir::Cache': `${own}/`,
    'Dir::Cache::archives': `${own}/archives/`,
    // The part of apt's cache that depends on the lists alone takes seconds to make, and is kept beside them.
    'Dir::Cache::srcpkgcache': `${shared}/srcpkgcache.bin`,
    'Dir::Cache::pkgcache': '',
    'Dir::Log': '/dev/null',
    'Dir::Bin::methods': `${shared}/methods/`,
    'Dir::Bin::dpkg': '/bin/false',
    'Dir::Bin::solvers': ['/nonexistent'],
    'Dir::Bin::planners': ['/nonexistent'],
    'APT::Architecture': architectures[0] ?? '',
    'APT::Architectures': architectures,
    'APT::Sandbox::User': 'root',
    'APT::Color': '0',
    'Acquire::Languages': ['none'],
    'Debug::NoLocking': '1',
    'Dpkg::Use-Pty': '0',
    'APT::Get::Show-User-Simulation-Note': '0',
  };
  return formatAptSettings(settings);
}

/** Choices of the image's administrator that change what the solver decides, and nothing else. */
function imageChoices(settings: Readonly<Record<string, string>>): AptSettings {
  const names = ['APT::Install-Recommends', 'APT::Install-Suggests', 'APT::Default-Release'];
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = settings[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
