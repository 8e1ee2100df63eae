import type { KvmState } from '../appliance/acceleration.ts';
import { ColdpatchError } from '../lib/errors.ts';
import { engineOf } from './engines/registry.ts';
import type { Engine, EngineId } from './engines/types.ts';

export interface ChosenEngine {
  readonly engine: Engine;
  /** Why it was chosen; for the plan and the report. */
  readonly engineReason: string;
}

/** What stands for running an engine; undefined for a plan, which runs none. */
export interface EngineConditions {
  readonly trusted: boolean;
  readonly isRoot: boolean;
  /** What KVM is worth on this host. Asked only when the answer decides: it may start a machine. */
  readonly kvm: () => Promise<KvmState>;
}

/**
 * Picks the engine. `auto` is `appliance`, which trusts no image; only where KVM cannot be used, and somebody who is
 * root declares the image trusted, is it `namespace`: emulation takes several times as long.
 *
 * @throws ColdpatchError `trust_required`, `root_required`, `usage`.
 */
export async function chooseEngine(asked: string, conditions?: EngineConditions): Promise<ChosenEngine> {
  const { id, reason } =
    asked === 'auto' ? await pick(conditions) : { id: asked, reason: 'asked for by the operator' };
  const engine = engineOf(id);
  if (conditions && engine.trustReason !== undefined && !conditions.trusted) {
    throw new ColdpatchError(
      'trust_required',
      `Expected an image that is declared trusted, because with the engine ${engine.id} ${engine.trustReason}. ` +
        'If you trust everybody who could write into this image, say --trust-image.',
    );
  }
  if (conditions && engine.rootReason !== undefined && !conditions.isRoot) {
    throw new ColdpatchError(
      'root_required',
      `Expected to run as root, because with the engine ${engine.id} ${engine.rootReason}. Run the command with sudo.`,
    );
  }
  return { engine, engineReason: reason };
}

async function pick(
  conditions: EngineConditions | undefined,
): Promise<{ readonly id: EngineId; readonly reason: string }> {
  const id = 'appliance';
  if (!conditions?.trusted) return { id, reason: 'the default for an image that nobody declares trusted' };
  if (!conditions.isRoot) return { id, reason: 'the default without root' };
  const kvm = await conditions.kvm();
  if (kvm.state === 'usable') return { id, reason: 'the default where KVM works' };
  return {
    id: 'namespace',
    reason: `the image is declared trusted, and KVM is ${kvm.state} (${kvm.detail}), without which a virtual machine takes several times as long`,
  };
}
