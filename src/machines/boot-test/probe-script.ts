import type { Probe } from './types.ts';

/** A shell script that ends with 0 when the probe is content. */
export function probeScript(probe: Probe): string {
  if (probe.kind === 'command') return `${probe.command}\n`;
  const { port } = probe;
  const hexadecimal = port.toString(16).toUpperCase().padStart(4, '0');
  // A service may say that it is started a moment before it answers. Without bash, that somebody listens must do.
  return `answers() {
  for address in 127.0.0.1 ::1; do
    bash -c "exec 3<> /dev/tcp/$address/${port}" 2> /dev/null && return 0
  done
  grep -q ':${hexadecimal} 0*:0000 0A' /proc/net/tcp /proc/net/tcp6 2> /dev/null
}
for try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
  answers && exit 0
  sleep 1
done
echo 'nobody answers on port ${port}'
exit 1
`;
}
