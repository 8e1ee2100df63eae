/** One check of an upgraded copy. */
export interface Check {
  readonly check: string;
  readonly ok: boolean;
  /** What was found. */
  readonly detail: string;
}

function passed(check: string, detail: string): Check {
  return { check, ok: true, detail };
}

/** `problems` decides: a check without one has passed, and says `detail`. */
export function judge(check: string, problems: readonly string[], detail: string): Check {
  if (problems.length === 0) return passed(check, detail);
  const more = problems.length > 5 ? ` (and ${problems.length - 5} more)` : '';
  return { check, ok: false, detail: `${problems.slice(0, 5).join('; ')}${more}` };
}
