import { expect, test } from 'vitest';
import { kernelReleaseOf } from './kernel-release-of.ts';

test.each([
  ['linux-image-6.1.0-40-amd64', '6.1.0-40-amd64'],
  ['linux-image-6.1.0-40-cloud-amd64-unsigned', '6.1.0-40-cloud-amd64'],
  ['linux-image-6.8.0-40-generic', '6.8.0-40-generic'],
  ['linux-image-unsigned-6.8.0-40-generic', '6.8.0-40-generic'],
  ['linux-image-6.1.0-40-amd64-dbg', undefined],
  ['linux-image-unsigned-6.8.0-40-generic-dbgsym', undefined],
  ['linux-image-amd64', undefined],
  ['linux-image-generic-hwe-22.04', undefined],
  ['linux-headers-6.1.0-40-amd64', undefined],
])('%s holds %s', (name, release) => expect(kernelReleaseOf(name)).toBe(release));
