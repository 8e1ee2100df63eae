import { cachedSource } from '../../../disk/cached-source.ts';
import { type ByteSource, sliceOf } from '../../../lib/byte-source.ts';
import { type Cells, createCells } from './cells.ts';
import { decodeName, foldName } from './decode-name.ts';
import * as layout from './layout.ts';
import { listSubkeys } from './list-subkeys.ts';
import { listValues } from './list-values.ts';
import { createReadBudget, type ReadBudget } from './read-budget.ts';
import { registryCorrupt } from './registry-corrupt.ts';
import { type HiveLog, replayLogs } from './replay-logs.ts';
import { signatureOf } from './signature-of.ts';
import type { Hive, HiveKey } from './types.ts';

const cache = { chunkBytes: 16 * 1024, maxBytes: 8 * 1024 * 1024 } as const;

/**
 * Opens a hive. Its writings that were not finished are completed from its logs, in memory.
 *
 * @param where the file's name, for messages.
 * @param logs `.LOG1` and `.LOG2`, or `.LOG`, as far as they exist.
 * @param budget what this and other hives may read together.
 * @throws `registry_corrupt` when it is no hive, or a broken one.
 */
export function openHive(
  file: ByteSource,
  where: string,
  logs: readonly HiveLog[],
  budget: ReadBudget = createReadBudget(),
): Hive {
  const { base, bytes, gaps } = replayLogs(file, where, logs, budget);
  const size = BigInt(layout.baseBlockBytes) + BigInt(base.binsBytes);
  if (base.binsBytes % layout.bin.pageBytes !== 0 || size > bytes.size) {
    throw registryCorrupt(
      `Expected ${where} to have ${size} bytes in whole pages, as it says of itself, but it has ${bytes.size}.`,
    );
  }
  const bins = sliceOf(bytes, BigInt(layout.baseBlockBytes), BigInt(base.binsBytes));
  const cells = createCells(cachedSource(bins, cache), where, budget);
  return { root: keyAt(cells, base.rootCell, base.minorVersion), gaps };
}

function keyAt(cells: Cells, offset: number, minorVersion: number): HiveKey {
  const { keyNode } = layout;
  const cell = cells.read(offset, 'a key', layout.mostKeyBytes);
  if (signatureOf(cell) !== keyNode.signature) {
    throw registryCorrupt(`Expected a key at ${offset} of ${cells.where}, but there is something else.`);
  }
  const narrow = (cell.u16(keyNode.flags) & layout.narrowKeyName) !== 0;
  const subkeys = (): readonly HiveKey[] =>
    listSubkeys(cells, cell.u32(keyNode.subkeyList), cell.u32(keyNode.subkeyCount)).map((subkey) =>
      keyAt(cells, subkey, minorVersion),
    );
  const values = () => listValues(cells, cell, minorVersion);
  return {
    name: decodeName(cell.bytes(keyNode.name, cell.u16(keyNode.nameBytes)), narrow),
    writtenAt: cell.u64(keyNode.writtenAt),
    subkeys,
    find(path) {
      const [first = '', ...rest] = path.split('\\');
      const found = subkeys().find(({ name }) => foldName(name) === foldName(first));
      return rest.length === 0 ? found : found?.find(rest.join('\\'));
    },
    values,
    value: (wanted) => values().find(({ name }) => foldName(name) === foldName(wanted)),
  };
}
