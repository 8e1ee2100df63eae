import { alpine } from './alpine/index.ts';
import { arch } from './arch/index.ts';
import { debian } from './debian/index.ts';
import { redhat } from './redhat/index.ts';
import { suse } from './suse/index.ts';
import type { OperatingSystemFamily } from './types.ts';
import { ubuntu } from './ubuntu/index.ts';
import { windows } from './windows/index.ts';

export const operatingSystems: readonly OperatingSystemFamily[] = [
  debian,
  ubuntu,
  redhat,
  suse,
  alpine,
  arch,
  windows,
];
