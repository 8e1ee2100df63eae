import { buildAppliance } from '../../app/appliance.ts';
import { interruptSignal } from '../interrupt-signal.ts';
import { loadCommandConfig } from '../load-command-config.ts';
import { printJson } from '../print-json.ts';

export interface ApplianceOptions {
  readonly json: boolean;
  readonly cache?: string;
  readonly config?: string;
}

/** `coldpatch appliance build`. */
export async function buildApplianceCommand(
  { print }: { print(text: string): void },
  { json, ...options }: ApplianceOptions,
): Promise<void> {
  const { digest, manifest } = await buildAppliance({
    cacheDirectory: loadCommandConfig(options).cacheDirectory,
    signal: interruptSignal(),
  });
  const text = `appliance ${digest}\nkernel ${manifest.kernelRelease}, ${manifest.packages.length} packages\n`;
  print(json ? printJson(manifest) : text);
}
