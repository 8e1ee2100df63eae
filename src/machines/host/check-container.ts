import type { HostCheck } from './types.ts';

const oldestWithoutSyncs = 250;

/** For the engine `namespace`: `--suppress-sync` came with systemd 250. @param version what `systemd-nspawn --version` printed. */
export function checkContainer(version: string): HostCheck {
  const check = { check: 'systemd-nspawn version', required: false };
  const found = /^systemd (\d+)/.exec(version)?.[1];
  if (found === undefined)
    return { ...check, ok: false, detail: 'it does not say its version: no engine namespace' };
  if (Number(found) >= oldestWithoutSyncs) return { ...check, ok: true, detail: found };
  return {
    ...check,
    ok: false,
    detail: `${found}: no engine namespace; ${oldestWithoutSyncs} or later can leave out the syncs of package scripts`,
    remedy: 'use a host with a newer systemd, such as Debian 12',
  };
}
