import { readPackageManagerOutput } from './namespace/read-package-manager-output.ts';
import type { EngineInput } from './types.ts';

/** What the package manager of a copy printed, as it says. */
export interface UpgradeLog {
  readonly text: readonly string[];
  readonly errors: readonly { readonly package: string; readonly message: string }[];
  /** Takes the next line; the progress in it is told. */
  readonly onLine: (line: string) => void;
}

export function createUpgradeLog(onProgress: EngineInput['onProgress']): UpgradeLog {
  const text: string[] = [];
  const errors: { readonly package: string; readonly message: string }[] = [];
  return {
    text,
    errors,
    onLine(line) {
      const read = readPackageManagerOutput(line);
      if (read.kind === 'progress') onProgress(read.progress);
      if (read.kind === 'text') text.push(read.text);
      if (read.kind === 'error') errors.push(read);
    },
  };
}
