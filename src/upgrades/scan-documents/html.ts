import type { PackageExposure, Vulnerability } from '../matching/exposure.ts';
import type { Scan } from '../matching/scan.ts';

/** Text that was put together by `markup`, and needs no more escaping. */
interface Markup {
  readonly html: string;
}

/** Interpolates text escaped, and markup as it is: whatever an image or a feed says stays text. */
function markup(
  strings: TemplateStringsArray,
  ...values: readonly (string | number | Markup | readonly Markup[])[]
): Markup {
  const parts = values.map((value) => {
    if (typeof value === 'object')
      return 'html' in value ? value.html : value.map(({ html }) => html).join('');
    return String(value).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
  });
  return { html: String.raw({ raw: strings }, ...parts) };
}

const style: Markup = {
  html: `
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; color: #1c2330; }
table { border-collapse: collapse; width: 100%; margin: 1rem 0; }
th, td { text-align: left; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid #d5dae3; vertical-align: top; }
td.number, th.number { text-align: right; }
.urgent { color: #a3001e; font-weight: 600; }
.quiet { color: #5a6473; }
summary { cursor: pointer; font-weight: 600; }
@media (prefers-color-scheme: dark) { body { background: #14181f; color: #e4e8ef; } th, td { border-color: #333b47; } .urgent { color: #ff7a8c; } .quiet { color: #9aa5b5; } }
`,
};

/** One page of HTML without scripts: first what to decide, then what it rests on. */
export function scanPage(scans: readonly Scan[]): string {
  const page = markup`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Images and what is published against them</title>
<style>${style}</style>
<h1>Images and what is published against them</h1>
<p>${headline(scans)}</p>
<table>
<tr><th>Image</th><th>System</th><th>Support</th><th class="number">Packages that lag</th><th class="number">Exploited</th><th class="number">Critical</th><th class="number">High</th><th class="number">Others</th><th class="number">Not graded</th></tr>
${scans.map(row)}
</table>
${scans.map(details)}
</html>
`;
  return page.html;
}

function headline(scans: readonly Scan[]): string {
  const stale = scans.filter(({ packages }) => packages.length > 0).length;
  const exploited = scans.filter(({ summary }) => summary.vulnerabilities.exploited > 0).length;
  const unsure = scans.filter(({ gaps, unknown }) => gaps.length + unknown.length > 0).length;
  return (
    `${scans.length} ${scans.length === 1 ? 'image' : 'images'}: ${stale} out of date, ` +
    `${exploited} with holes that are known to be exploited, ${unsure} about which not everything is known.`
  );
}

function row({ image, operatingSystem, support, summary: { lagging, vulnerabilities } }: Scan): Markup {
  const number = (count: number, urgent = false): Markup =>
    markup`<td class="number${urgent && count > 0 ? ' urgent' : ''}">${count}</td>`;
  const { exploited, critical, high, medium, low, unknown } = vulnerabilities;
  return markup`<tr><td>${image}</td><td>${operatingSystem.prettyName}</td><td>${supportWords(support)}</td>${[
    number(lagging),
    number(exploited, true),
    number(critical, true),
    number(high),
    number(medium + low),
    number(unknown),
  ]}</tr>
`;
}

function supportWords({ status, until }: Scan['support']): Markup {
  const words = {
    supported: 'supported until',
    'long-term': 'long-term support until',
    ended: 'ended on',
    unknown: 'not known',
  } as const;
  return markup`<span class="${status === 'ended' ? 'urgent' : ''}">${words[status]} ${until ?? ''}</span>`;
}

function details(scan: Scan): Markup {
  const open = [
    ...scan.gaps.map(({ where, detail }) => markup`<li>Not read: ${where}: ${detail}</li>`),
    ...scan.unknown.map(({ where, detail }) => markup`<li>Not known: ${where}: ${detail}</li>`),
  ];
  const repositories = scan.repositories.map(
    ({ uri, suite, date, releaseDigest }) =>
      markup`<li>${uri} ${suite}, signed ${date}, SHA-256 ${releaseDigest}</li>`,
  );
  const feeds = scan.feeds.map(
    ({ format, source, digest, importedAt }) =>
      markup`<li>${format} from ${source}, imported ${importedAt}, SHA-256 ${digest}</li>`,
  );
  return markup`<h2>${scan.image}</h2>
<p class="quiet">${scan.operatingSystem.prettyName}, compared on ${scan.scannedAt}</p>
${open.length === 0 ? [] : [markup`<ul class="urgent">${open}</ul>`]}
<table>
<tr><th>Package</th><th>Installed</th><th>Published</th><th>Vulnerabilities</th></tr>
${scan.packages.map(packageRow)}
</table>
<details><summary>What this rests on</summary><ul>${repositories}${feeds}</ul></details>
`;
}

function packageRow({ name, installed, available, changesKnown, vulnerabilities }: PackageExposure): Markup {
  const list = vulnerabilities.map(vulnerabilityItem);
  const more = changesKnown ? [] : [markup`<span class="urgent">what changed could not be read</span>`];
  const folded =
    list.length > 5
      ? [markup`<details><summary>${list.length} vulnerabilities</summary>${list}</details>`]
      : list;
  return markup`<tr><td>${name}</td><td>${installed}</td><td>${available ?? 'nothing newer'}</td><td>${folded}${more}</td></tr>
`;
}

function vulnerabilityItem({ id, severity, exploitedSince, remedy, summary }: Vulnerability): Markup {
  const words = [
    ...(severity === 'unknown' ? [] : [severity]),
    ...(exploitedSince === null ? [] : [`exploited since ${exploitedSince}`]),
    ...(remedy === 'no-fix-published' ? ['no fix yet'] : []),
    ...(remedy === 'no-fix-will-come' ? ['no fix will come'] : []),
  ];
  const urgent = exploitedSince !== null || severity === 'critical';
  return markup`<div class="${urgent ? 'urgent' : ''}" title="${summary ?? ''}">${id} ${words.join(', ')}</div>`;
}
