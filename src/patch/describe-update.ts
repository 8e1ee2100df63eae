import type { CheckedOutImage } from './checked-out-image.ts';
import type { Engine, EngineResult } from './engines/types.ts';
import { findConflicts } from './find-conflicts.ts';
import type { PhaseTime } from './phases.ts';
import type { PlannedUpgrade } from './plan-upgrade.ts';
import { classifyChanges } from './recording/classify-changes.ts';
import type { Recording } from './recording/types.ts';
import type { BootTestReport, Report } from './report.ts';
import type { Check } from './verification/types.ts';

/** What an update came to. */
export interface Outcome {
  readonly image: CheckedOutImage;
  readonly engine: Engine;
  readonly engineReason: string;
  readonly phases: readonly PhaseTime[];
  readonly startedAt: string;
  readonly planned: PlannedUpgrade;
  readonly before: string;
  readonly after: string;
  readonly upgraded?: {
    readonly method: 'reflink' | 'copy';
    readonly result: EngineResult;
    readonly recording: Recording;
    readonly verification: readonly Check[];
    readonly bootTest: BootTestReport | null;
    readonly generation: number;
  };
}

/** Puts the report of an update together. */
export function describeUpdate(outcome: Outcome): Report {
  const { image, engine, engineReason, planned, upgraded } = outcome;
  const { plan } = planned;
  const byClass = classifyChanges(upgraded?.recording ?? { changes: [] });
  const total = (kind: 'added' | 'changed' | 'removed') =>
    byClass.reduce((sum, entry) => sum + entry[kind], 0);
  return {
    schema: 1,
    image: image.path,
    startedAt: outcome.startedAt,
    outcome: upgraded ? 'updated' : 'nothing_to_do',
    before: { digest: outcome.before },
    after: { digest: outcome.after },
    engine: {
      id: engine.id,
      reason: engineReason,
      isolation: upgraded?.result.isolation ?? engine.isolation,
      trust: engine.trustReason === undefined ? 'not_needed' : 'declared_by_operator',
    },
    copy: upgraded?.method ?? null,
    changes: [...plan.changes],
    held: [...plan.held],
    repositories: [...plan.repositories],
    files: {
      added: total('added'),
      changed: total('changed'),
      removed: total('removed'),
      byClass: [...byClass],
      conflicts: [...findConflicts(upgraded?.recording ?? { changes: [] })],
    },
    kernels: {
      initramfsBuilt: [...(upgraded?.result.initramfsBuilt ?? [])],
      bootMenuWritten: upgraded?.result.bootMenuWritten ?? false,
    },
    atNextStart: [...plan.atNextStart],
    postponed: [...(upgraded?.result.postponed ?? [])],
    failedUnits: [...(upgraded?.result.failedUnits ?? [])],
    verification: [...(upgraded?.verification ?? [])],
    bootTest: upgraded?.bootTest ?? null,
    phases: [...outcome.phases],
    generation: upgraded?.generation ?? null,
    recovered: [...image.recovered],
  };
}
