import type { FileTree } from '../../file-tree.ts';
import { parseDeb822 } from './parse-deb822.ts';

const statesLimit = 32 * 1024 * 1024;

/**
 * The packages that apt installed only because others need them, as `name:architecture`, from
 * /var/lib/apt/extended_states. Empty when apt has kept no record.
 *
 * @throws `limit_exceeded`
 */
export function readAutoInstalled(tree: FileTree): ReadonlySet<string> {
  const automatic = new Set<string>();
  const path = '/var/lib/apt/extended_states';
  if (!tree.exists(path)) return automatic;
  for (const stanza of parseDeb822(tree.readFile(path, { limit: statesLimit }))) {
    if (stanza.get('Auto-Installed') !== '1') continue;
    automatic.add(`${stanza.get('Package') ?? ''}:${stanza.get('Architecture') ?? ''}`);
  }
  return automatic;
}
