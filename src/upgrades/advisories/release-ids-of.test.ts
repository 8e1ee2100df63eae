import { expect, test } from 'vitest';
import { releaseIdsOf } from './release-ids-of.ts';

test.each([
  ['debian', '12', 'bookworm', ['debian:12', 'debian:bookworm']],
  ['debian', '', 'trixie', ['debian:trixie']],
  ['ubuntu', '22.04', 'jammy', ['ubuntu:22.04', 'ubuntu:jammy']],
  ['alpine', '3.19.1', '', ['alpine:3.19']],
  ['rhel', '9.4', '', ['rhel:9']],
  ['rocky', '9.3', '', ['rocky:9']],
  ['fedora', '40', '', ['fedora:40']],
  ['sles', '15.5', '', ['sles:15.5']],
  ['opensuse-tumbleweed', '20240601', '', ['opensuse-tumbleweed:rolling']],
  ['constructor', '9.4', '', ['constructor:9.4']],
  ['other', '', '', []],
])('%s %s %s', (id, versionId, versionCodename, ids) => {
  expect(releaseIdsOf({ id, versionId, versionCodename })).toEqual(ids);
});
