import type { SourceConfig } from '../../config/server-schema.ts';
import type { StoredImage } from '../../store/images.ts';
import { requestOf } from './server-context.ts';

/** What `plan`, `match` and the upgrade are asked for, as the policy of the source says it. */
export function upgradeRequest(image: StoredImage, { policy }: SourceConfig) {
  return {
    image: requestOf(image),
    engine: policy.engine,
    repositories: policy.repositories,
    neverTouch: policy.neverTouch,
    allowStale: false,
    offline: false,
  };
}

/** A display that shows nothing. */
export const noDisplay = {
  phase: () => undefined,
  update: () => undefined,
  done: () => undefined,
  fail: () => undefined,
};
