/** One thing that this host can do, or not. */
export interface HostCheck {
  readonly check: string;
  readonly ok: boolean;
  /** False for what coldpatch can do without: then a check that is not ok is a note. */
  readonly required: boolean;
  /** What was found. */
  readonly detail: string;
  /** What to do about it. */
  readonly remedy?: string;
}

/** What this host can do. */
export interface HostReport {
  readonly checks: readonly HostCheck[];
  /** The one command that installs all that is missing; null when nothing is. */
  readonly installCommand: string | null;
}
