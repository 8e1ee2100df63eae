import { expect, test } from 'vitest';
import { nameOfProbe, parseProbe } from './parse-probe.ts';

test.each(['tcp:1', 'tcp:65535', 'command:systemctl is-active nginx'])('%s is a probe', (text) =>
  expect(nameOfProbe(parseProbe(text))).toBe(text),
);

test.each(['tcp:0', 'tcp:65536', 'tcp:http', 'udp:53', 'command:', 'command: ', 'command:a\0b', 'nginx', ''])(
  '%j is none',
  (text) => expect(() => parseProbe(text)).toThrow(expect.objectContaining({ code: 'usage' })),
);
