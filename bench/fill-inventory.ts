import type { DialectName } from '../src/store/migrations.ts';

export const images = 10_000;
export const packages = 600;
export const versions = 8;
/** Each image is open to 150 of these, and each of these is in 10,000 * 150 / 3000 = 500 images; CVE-common is in all. */
export const advisories = 3000;
export const findingsOfImage = 150;

const upTo = (count: number): string =>
  `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${count - 1}) `;

/** About as long as real digests and ids of findings, so that rows are as wide as real ones. */
const digest = `'${'0'.repeat(60)}' || `;
const finding = `'${'0'.repeat(28)}' || `;

/** PostgreSQL does not look at the ids that it was given. */
const countedOn = ['packages', 'inspections'].map(
  (table) => `SELECT setval(pg_get_serial_sequence('${table}', 'id'), max(id)) FROM ${table}`,
);

/**
 * Each image of the table has one of the versions of every package, and was compared just now: 6 million rows, made by
 * the database itself, and as it would have them after a while. PostgreSQL has its rows in the order in which images
 * were read, and was visited by autovacuum; SQLite has them in the order of its keys, and no statistics.
 */
export function fillingOf(dialect: DialectName): readonly string[] {
  const [asWritten, atLast] =
    dialect === 'postgres' ? (['2, 1', [...countedOn, 'VACUUM ANALYZE']] as const) : (['1, 2', []] as const);
  return [
    `INSERT INTO packages (id, manager, name, architecture, version)
       ${upTo(packages * versions)}
       SELECT i, 'dpkg', 'package-' || (i / ${versions}), 'amd64', '1.' || (i % ${versions}) || '-1+deb12u1' FROM n`,
    `INSERT INTO inspections (id, digest, made_at, document)
       ${upTo(images)} SELECT i, ${digest} i, '', '{}' FROM n`,
    `INSERT INTO inspection_packages (package_id, inspection_id)
       ${upTo(packages)}
       SELECT n.i * ${versions} + (inspections.id + n.i) % ${versions} AS package, inspections.id
       FROM n CROSS JOIN inspections ORDER BY ${asWritten}`,
    `UPDATE images SET inspection_id = place.position, outdated = place.position % 40, vulnerabilities = 151, urgent = 151,
         digest = ${digest} place.position, matched_at = '2999-01-01',
         system_id = CASE place.position % 3 WHEN 0 THEN 'ubuntu' ELSE 'debian' END
       FROM (SELECT id, row_number() OVER (ORDER BY id) - 1 AS position FROM images) AS place
       WHERE place.id = images.id`,
    `INSERT INTO findings (id, advisory, manager, package, architecture, installed, severity, remedy)
       ${upTo(advisories)}
       SELECT ${finding} i, 'CVE-' || i, 'dpkg', 'package-' || (i % ${packages}), 'amd64', '1.0', 'high', 'fix-published' FROM n
       UNION ALL SELECT ${finding} 'all', 'CVE-common', 'dpkg', 'package-0', 'amd64', '1.0', 'high', 'fix-published'`,
    `INSERT INTO image_findings (finding_id, image_id)
       ${upTo(findingsOfImage)}
       SELECT ${finding} ((place.position * 37 + n.i * ${advisories / findingsOfImage}) % ${advisories}) AS finding, place.id
       FROM n CROSS JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS position FROM images) AS place
       UNION ALL SELECT ${finding} 'all', id FROM images ORDER BY ${asWritten}`,
    ...atLast,
  ];
}
