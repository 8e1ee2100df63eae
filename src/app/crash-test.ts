/**
 * For the tests that end this process at every step: COLDPATCH_CRASH_AT names the step, and does nothing unless
 * COLDPATCH_TEST is set too.
 */
export function crashTest(environment: NodeJS.ProcessEnv): (step: string) => void {
  const target = environment.COLDPATCH_TEST === '1' ? environment.COLDPATCH_CRASH_AT : undefined;
  return (step) => {
    if (step === target) process.kill(process.pid, 'SIGKILL');
  };
}
