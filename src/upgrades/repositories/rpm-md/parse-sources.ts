import type { ConfigurationText } from '../../../guest/apt-configuration.ts';
import { webAddress } from '../web-address.ts';
import { expandVariables } from './expand-variables.ts';
import { type IniSection, parseIni } from './parse-ini.ts';
import type { ParsedSources, RpmMdSource } from './types.ts';

const idShape = /^[A-Za-z0-9_.:+@-]{1,200}$/;
/** What of a section changes which packages count, and is not followed. */
const notFollowed = ['exclude', 'excludepkgs', 'includepkgs', 'priority', 'cost'];
const maximumSources = 200;

/** The enabled repositories of `.repo` files. What cannot be used is skipped with a reason, never silently. */
export function parseSources(
  files: readonly ConfigurationText[],
  variables: ReadonlyMap<string, string>,
): ParsedSources {
  const found: ParsedSources[] = files.flatMap(({ path, text }) =>
    parseIni(text)
      .filter((section) => section.name !== 'main' && isOn(section, 'enabled', true))
      .map((section) => parseSection(path, section, variables)),
  );
  const sources = found.flatMap((one) => one.sources);
  const beyond = sources.slice(maximumSources).map(({ where }) => ({ where, reason: 'there are too many' }));
  return {
    sources: sources.slice(0, maximumSources),
    skipped: [...found.flatMap((one) => one.skipped), ...beyond],
    doubts: found.flatMap((one) => one.doubts),
  };
}

function parseSection(
  path: string,
  section: IniSection,
  variables: ReadonlyMap<string, string>,
): ParsedSources {
  const where = `${path}:${section.line} [${section.name.slice(0, 200)}]`;
  const skip = (reason: string): ParsedSources => ({ sources: [], skipped: [{ where, reason }], doubts: [] });
  const id = expandVariables(section.name, variables);
  if (id === undefined || !idShape.test(id)) return skip('its name has characters that are not allowed');
  const valueOf = (key: string): string => section.values.get(key)?.value ?? '';
  if (valueOf('sslclientcert') !== '' || valueOf('username') !== '') {
    return skip('it asks for a client certificate or a password: name a mirror with --repository');
  }
  // zypper's, which most sources set to a slash.
  if (!['', '/'].includes(valueOf('path'))) return skip('its path is not followed');
  const addresses = words(valueOf('baseurl'));
  if (addresses.length === 0) return skip(withoutAddress(section));
  const problems: string[] = [];
  for (const address of addresses) {
    const expanded = expandVariables(address, variables);
    const checked =
      expanded === undefined ? { problem: `${address} has an unknown variable` } : webAddress(expanded);
    if ('problem' in checked) {
      problems.push(checked.problem);
      continue;
    }
    const source: RpmMdSource = {
      where,
      id,
      uri: checked.uri,
      keyPaths: keyPaths(words(valueOf('gpgkey')), variables),
      moduleHotfixes: isOn(section, 'module_hotfixes', false),
    };
    const doubts = notFollowed.filter((key) => valueOf(key) !== '');
    return {
      sources: [source],
      skipped: [],
      doubts: doubts.map((key) => ({ where, reason: `its ${key} is not followed` })),
    };
  }
  return skip(problems.join('; ').slice(0, 500));
}

function withoutAddress({ values }: IniSection): string {
  const list = ['mirrorlist', 'metalink'].find((key) => values.has(key));
  if (list === undefined) return 'it has no baseurl';
  return `its ${list} is not followed: name a mirror with --repository "rpm-md ID BASEURL"`;
}

/** Addresses of this machine's own files; keys that would have to be fetched are not. */
function keyPaths(addresses: readonly string[], variables: ReadonlyMap<string, string>): readonly string[] {
  return addresses.flatMap((address) => {
    const [, path] = /^file:(?:\/\/)?(\/[^?#]*)$/.exec(expandVariables(address, variables) ?? '') ?? [];
    return path === undefined ? [] : [path];
  });
}

function words(text: string): readonly string[] {
  return text.split(/[\s,]+/).filter((word) => word !== '');
}

function isOn({ values }: IniSection, key: string, standard: boolean): boolean {
  const value = values.get(key)?.value.toLowerCase() ?? '';
  return value === '' ? standard : ['1', 'yes', 'true', 'on', 'enabled'].includes(value);
}
