/** True when `error` is one of Node's with one of these codes: `ENOENT`, `EEXIST`, ... */
export function hasErrorCode(error: unknown, ...codes: readonly string[]): boolean {
  return (
    error instanceof Error && 'code' in error && typeof error.code === 'string' && codes.includes(error.code)
  );
}
