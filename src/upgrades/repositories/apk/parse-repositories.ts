import type { ConfigurationText } from '../../../guest/apt-configuration.ts';
import type { SkippedSource } from '../../repository-snapshot.ts';
import { webAddress } from '../web-address.ts';
import type { ApkSource } from './types.ts';

const maximumSources = 200;

/** The sources of apk-repositories(5). What cannot be used is skipped with a reason, never silently. */
export function parseRepositories(files: readonly ConfigurationText[]): {
  readonly sources: readonly ApkSource[];
  readonly skipped: readonly SkippedSource[];
} {
  const sources = new Map<string, ApkSource>();
  const skipped: SkippedSource[] = [];
  for (const { path, text } of files) {
    for (const [index, whole] of text.split('\n').entries()) {
      const line = whole.replace(/#.*$/, '').trim();
      if (line === '') continue;
      const where = `${path}:${index + 1}`;
      const found = parseLine(line);
      if ('problem' in found) skipped.push({ where, reason: found.problem });
      else if (sources.size === maximumSources) skipped.push({ where, reason: 'there are too many' });
      else if (!sources.has(found.uri)) sources.set(found.uri, { where, uri: found.uri, keyPath: undefined });
    }
  }
  return { sources: [...sources.values()], skipped };
}

function parseLine(line: string): ReturnType<typeof webAddress> {
  if (line.startsWith('@'))
    return { problem: 'it has a tag, and its packages are only for those who ask for them' };
  if (/[\s$]/.test(line)) return { problem: `"${line.slice(0, 200)}" is not one plain address` };
  if (line.startsWith('/')) return { problem: 'it is a folder of the machine' };
  return webAddress(line);
}
