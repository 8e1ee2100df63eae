import { debian } from './debian/index.ts';
import type { OperatingSystemFamily } from './types.ts';
import { ubuntu } from './ubuntu/index.ts';

export const operatingSystems: readonly OperatingSystemFamily[] = [debian, ubuntu];
