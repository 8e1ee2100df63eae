import { expect, test } from 'vitest';
import { formatAptSettings } from './apt-settings.ts';

test('writes single values and lists, and clears what a list replaces', () => {
  expect(formatAptSettings({ 'Dir::Log': '/dev/null', 'APT::Architectures': ['amd64', 'i386'] })).toBe(
    'Dir::Log "/dev/null";\n#clear APT::Architectures;\nAPT::Architectures { "amd64"; "i386"; };\n',
  );
});

test.each(['a"; DPkg::Pre-Invoke {"x";}; "', 'a\nb', 'a\\'])(
  'refuses %j, which would end a value',
  (value) => {
    expect(() => formatAptSettings({ Dir: value })).toThrow(
      expect.objectContaining({ code: 'configuration_invalid' }),
    );
  },
);
