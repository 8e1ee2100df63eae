import type { Generated } from 'kysely';

export type ImageRole = 'leaf' | 'base';
export type RunKind = 'collect' | 'inspect' | 'upgrade' | 'rollback';
export type RunState = 'queued' | 'running' | 'waiting' | 'done' | 'failed' | 'cancelled';
export type StepState = 'pending' | 'running' | 'done' | 'skipped' | 'failed';
export type Role = 'viewer' | 'operator' | 'approver' | 'admin';

export interface SourceRow {
  readonly id: string;
  readonly kind: string;
  readonly last_pass_at: string | null;
  readonly last_pass: string | null;
}

/** See migrations/0001-first.sql. */
export interface ImageRow {
  readonly id: string;
  readonly source_id: string;
  readonly locator: string;
  readonly size: number;
  readonly modified_at: string;
  readonly format: string | null;
  readonly backing: string;
  readonly role: ImageRole;
  readonly state: 'present' | 'gone';
  readonly problem: string | null;
  readonly digest: string | null;
  readonly inspection_id: number | null;
  readonly system_id: string | null;
  readonly system_version: string | null;
  readonly system_name: string | null;
  readonly owner: string | null;
  readonly gaps: Generated<number>;
  readonly outdated: number | null;
  readonly held: string | null;
  readonly matched_at: string | null;
  /** Different vulnerabilities; null until it was compared with advisories. */
  readonly vulnerabilities: number | null;
  /** Of them, those that are critical or high, or known to be exploited. */
  readonly urgent: number | null;
  /** What the comparison could not find out. */
  readonly unknowns: number | null;
  readonly last_boot_at: string | null;
  readonly last_upgrade_at: string | null;
  readonly first_seen_at: string;
  readonly last_seen_at: string;
  readonly revision: number;
}

export interface RunRow {
  readonly id: string;
  readonly kind: RunKind;
  readonly source_id: string;
  readonly image_id: string | null;
  readonly state: RunState;
  readonly token: number;
  readonly attempt: number;
  readonly not_before: string;
  readonly requested_by: string;
  readonly requested_at: string;
  readonly approved_by: string | null;
  readonly cancel_requested: Generated<number>;
  readonly idempotency_key: string | null;
  readonly argument: string | null;
  readonly outcome: string | null;
  readonly error_code: string | null;
  readonly error_message: string | null;
  readonly started_at: string | null;
  readonly ended_at: string | null;
  readonly paused: Generated<number>;
  readonly host: string | null;
  readonly delivery: string | null;
  readonly queue: string | null;
  /** See migrations/0026-traces.sql. */
  readonly traceparent: string | null;
  readonly parent_span: string | null;
}

export interface StepRow {
  readonly run_id: string;
  readonly position: number;
  readonly name: string;
  readonly state: StepState;
  readonly started_at: string | null;
  readonly ended_at: string | null;
  readonly result: string | null;
}

export interface TokenRow {
  readonly id: string;
  readonly name: string;
  readonly secret_hash: string;
  readonly role: Role;
  readonly sources: string | null;
  readonly created_at: string;
  readonly expires_at: string | null;
  readonly revoked_at: string | null;
}

export interface AuditRow {
  readonly sequence: number;
  readonly at: string;
  readonly actor: string;
  readonly action: string;
  readonly object: string;
  readonly detail: string;
  readonly previous: string;
  readonly hash: string;
}

/** See migrations/0012-findings.sql. */
export interface FindingRow {
  readonly id: string;
  readonly advisory: string;
  readonly manager: string;
  readonly package: string;
  readonly architecture: string;
  readonly installed: string;
  readonly severity: string;
  readonly fixed_version: string | null;
  readonly remedy: string;
  readonly exploited_since: string | null;
}

/** Every table of the store. */
export interface Tables {
  readonly migrations: {
    readonly number: number;
    readonly name: string;
    readonly breaking: number;
    readonly made_at: string;
  };
  readonly sources: SourceRow;
  readonly images: ImageRow;
  readonly inspections: {
    readonly id: Generated<number>;
    readonly digest: string;
    readonly made_at: string;
    readonly document: string;
  };
  readonly packages: {
    readonly id: Generated<number>;
    readonly manager: string;
    readonly name: string;
    readonly architecture: string;
    readonly version: string;
  };
  readonly inspection_packages: { readonly package_id: number; readonly inspection_id: number };
  readonly runs: RunRow;
  readonly steps: StepRow;
  readonly run_events: {
    readonly id: Generated<number>;
    readonly run_id: string;
    readonly at: string;
    readonly kind: string;
    readonly detail: string;
  };
  readonly generations: {
    readonly image_id: string;
    readonly number: number;
    readonly run_id: string;
    readonly taken_at: string;
    readonly digest_before: string;
    readonly digest_after: string;
  };
  readonly findings: FindingRow;
  readonly image_findings: { readonly finding_id: string; readonly image_id: string };
  readonly source_policies: {
    readonly source_id: string;
    readonly document: string;
    readonly revision: number;
    readonly changed_by: string;
    readonly changed_at: string;
  };
  readonly answered_requests: {
    readonly key_hash: string;
    readonly request_hash: string;
    readonly status: number | null;
    readonly body: string | null;
    readonly created_at: string;
  };
  readonly attestations: {
    readonly run_id: string;
    readonly image_id: string;
    readonly statement: string;
    readonly kept_at: string;
  };
  readonly tokens: TokenRow;
  readonly published_settings: {
    readonly id: number;
    readonly document: string;
    readonly published_at: string;
  };
  readonly audit: AuditRow;
}
