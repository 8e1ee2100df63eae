import type { Binding } from './volume-managers/binding.ts';
import { volumeManagers } from './volume-managers/registry.ts';
import type { Volume } from './types.ts';

/**
 * What opens an encrypted volume without a person; empty for one that is not encrypted, or says nothing of it.
 * @throws ColdpatchError `volume_corrupt` when its headers are damaged.
 */
export function keyBindings({ container, bytes }: Pick<Volume, 'container' | 'bytes'>): readonly Binding[] {
  return volumeManagers.find(({ id }) => id === container?.manager)?.bindings?.(bytes) ?? [];
}
