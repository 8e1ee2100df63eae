import { ColdpatchError } from '../../../lib/errors.ts';

/** Settings of apt.conf(5) by name; a list for those that hold several values. */
export type AptSettings = Readonly<Record<string, string | readonly string[]>>;

/** The text of an apt.conf. apt knows no escapes inside quotes, so values with quotes are refused. */
export function formatAptSettings(settings: AptSettings): string {
  const quoted = (name: string, value: string): string => {
    if (!/["\\\n\r]/.test(value)) return `"${value}"`;
    throw new ColdpatchError(
      'configuration_invalid',
      `Expected a value for ${name} without quotes, backslashes and line ends, found ${JSON.stringify(value)}. Choose another path for the cache or work directory.`,
    );
  };
  const lines = Object.entries(settings).map(([name, value]) =>
    typeof value === 'string'
      ? `${name} ${quoted(name, value)};`
      : `#clear ${name};\n${name} { ${value.map((item) => `${quoted(name, item)}; `).join('')}};`,
  );
  return `${lines.join('\n')}\n`;
}
