import type { Update } from './update.ts';

/** Distributions by how they number their advisories. */
const families: readonly (readonly [RegExp, string])[] = [
  [/^RH[SBE]A-/, 'rhel'],
  [/^RL[SBE]A-|^RXSA-/, 'rocky'],
  [/^AL[SBE]A-/, 'almalinux'],
  [/^EL[SBE]A-/, 'ol'],
  [/^ALAS/, 'amzn'],
  [/^FEDORA-(?!EPEL)/, 'fedora'],
];

const longestText = 500;

/** The release that an update is of, by its number, its packages and the names of its lists; undefined when none tells. */
export function releaseOfUpdate(update: Update): string | undefined {
  const texts = [update.release, update.title, ...update.collections].map((text) =>
    text.slice(0, longestText),
  );
  for (const text of texts) {
    const leap = /\bopenSUSE[ -]Leap[ -](\d+\.\d+)\b/i.exec(text)?.[1];
    if (leap !== undefined) return `opensuse-leap:${leap}`;
    if (/\bopenSUSE[ -]Tumbleweed\b/i.test(text)) return 'opensuse-tumbleweed:rolling';
    const [, version, pack] =
      /\b(?:SUSE Linux Enterprise [\w ]{0,60}?|SLE-[\w-]{0,60}?)[ -](\d+)[ -]SP(\d+)\b/i.exec(text) ?? [];
    if (version !== undefined) return `sles:${version}.${pack ?? ''}`;
  }
  const id = families.find(([pattern]) => pattern.test(update.id))?.[1];
  if (id === undefined) return undefined;
  for (const { release } of update.packages) {
    const number = /\.(?:(?:module[+_])?el|fc|amzn)(\d+)/.exec(release.slice(0, longestText))?.[1];
    if (number !== undefined) return `${id}:${number}`;
  }
  return undefined;
}
