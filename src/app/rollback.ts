import type { Config } from '../config/schema.ts';
import { assertWritable } from '../disk/image-formats/assert-writable.ts';
import type { WritableFormatId } from '../disk/image-formats/types.ts';
import { openChain } from '../disk/open-chain.ts';
import { ColdpatchError } from '../lib/errors.ts';
import { assertNoChildren } from '../machines/check-out-image.ts';
import { assertNotOfMachine } from '../machines/definitions/machine-of-image.ts';
import type { Generation } from '../machines/generations/list-generations.ts';
import { rollBack, type RollBackResult } from '../machines/generations/roll-back.ts';
import { holdImageLocks } from '../machines/hypervisors/qemu/hold-image-lock.ts';
import { resolveImagePath } from '../machines/image-path.ts';
import type { ImageRequest } from '../patch/examine-image.ts';
import { crashTest } from './crash-test.ts';

export interface RollbackRequest {
  readonly image: ImageRequest;
  readonly generation?: number | undefined;
  readonly signal: AbortSignal;
  /** Asked immediately before the exchange, with what the image will be; throws when it must not. */
  readonly assertMayExchange?: (restored: Generation) => Promise<void>;
}

/** `coldpatch rollback`. */
export async function rollBackImage(config: Config, request: RollbackRequest): Promise<RollBackResult> {
  const { path } = resolveImagePath(request.image.path);
  await assertNotOfMachine(config.stateDirectory, path);
  assertNoChildren(path, config.imageDirectories);
  const backing = (request.image.backing ?? []).map((file) => resolveImagePath(file).path);
  return rollBack({
    image: request.image.path,
    ...(request.generation !== undefined && { generation: request.generation }),
    format: formatOf(request.image),
    holdImages: (paths) => holdImageLocks([...paths, ...backing]),
    now: () => new Date(),
    signal: request.signal,
    assertMayExchange: request.assertMayExchange,
    onStep: crashTest(process.env),
  });
}

function formatOf({ path, format, backing = [] }: ImageRequest): WritableFormatId {
  if (format === 'raw' || format === 'qcow2') return format;
  const { chain, close } = openChain(
    { path, format },
    backing.map((file) => ({ path: file })),
  );
  close();
  const own = chain[0];
  if (own) return assertWritable(own);
  throw new ColdpatchError('internal', `Expected a format for ${path}.`);
}
