import type { Gate } from './gates.ts';
import { runProgram } from './run-program.ts';

export interface GateResult {
  readonly gate: Gate;
  readonly green: boolean;
  readonly seconds: number;
  readonly output: string;
}

/** Runs one gate over the repository at `root`. */
export async function runGate(root: string, gate: Gate): Promise<GateResult> {
  const start = performance.now();
  const { exitCode, output } = await runProgram(root, ...gate.command);
  return { gate, green: exitCode === 0, seconds: (performance.now() - start) / 1000, output };
}

/** Runs gates one after another and prints a line for each, with the output of the red ones. True when all are green. */
export async function runGates(root: string, gates: readonly Gate[]): Promise<boolean> {
  let green = true;
  for (const gate of gates) {
    const result = await runGate(root, gate);
    console.log(
      `${result.green ? 'green' : 'RED  '}  ${gate.name.padEnd(12)} ${result.seconds.toFixed(1).padStart(5)} s`,
    );
    if (!result.green) {
      console.log(result.output);
      green = false;
    }
  }
  return green;
}
