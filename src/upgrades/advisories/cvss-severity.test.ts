import { expect, test } from 'vitest';
import { cvssSeverity } from './cvss-severity.ts';

// Scores as the calculator of FIRST gives them.
test.each([
  ['CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H', 'critical'], // 9.8
  ['CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:H/I:H/A:H', 'high'], // 8.1
  ['CVSS:3.0/AV:N/AC:L/PR:L/UI:N/S:U/C:N/I:N/A:H', 'medium'], // 6.5
  ['CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N', 'medium'], // 6.1
  ['CVSS:3.1/AV:L/AC:H/PR:L/UI:R/S:U/C:L/I:N/A:N', 'low'], // 2.2
  ['CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N', 'unknown'],
  ['CVSS:3.1/AV:N/AC:L', 'unknown'],
  ['CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N', 'unknown'],
  ['AV:N/AC:L/Au:N/C:P/I:P/A:P', 'unknown'],
  ['CVSS:3.1/AV:constructor/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H', 'unknown'],
])('%s is %s', (vector, severity) => {
  expect(cvssSeverity(vector)).toBe(severity);
});
