import { ColdpatchError } from '../../lib/errors.ts';
import type { Probe } from './types.ts';

const longestCommand = 4000;

/** `tcp:PORT`, or `command:LINE` for the guest's shell. @throws ColdpatchError `usage`. */
export function parseProbe(text: string): Probe {
  const port = /^tcp:(\d{1,5})$/.exec(text)?.[1];
  if (port !== undefined && Number(port) >= 1 && Number(port) <= 65_535) {
    return { kind: 'tcp', port: Number(port) };
  }
  const command = /^command:(.*\S.*)$/s.exec(text)?.[1];
  if (command !== undefined && command.length <= longestCommand && !command.includes('\0')) {
    return { kind: 'command', command };
  }
  throw new ColdpatchError(
    'usage',
    `Expected a probe such as tcp:443 or "command:systemctl is-active nginx", but found ${JSON.stringify(text.slice(0, 80))}.`,
  );
}

/** How a probe is named in reports. */
export function nameOfProbe(probe: Probe): string {
  return probe.kind === 'tcp' ? `tcp:${probe.port}` : `command:${probe.command}`;
}
