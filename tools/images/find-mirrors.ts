import { runProgramOrFail } from '../../src/lib/run-program.ts';

/** Where this host's apt fetches Debian 12 from. */
export interface Mirrors {
  readonly main: string;
  readonly security: string;
}

/** @throws Error when this host's apt has no Debian 12 or none of its security updates. */
export async function findMirrors(): Promise<Mirrors> {
  const { stdout } = await runProgramOrFail({
    file: 'apt-get',
    args: ['indextargets', '--format', '$(CREATED_BY)|$(RELEASE)|$(COMPONENT)|$(REPO_URI)'],
    timeoutSeconds: 60,
  });
  const targets = stdout.split('\n').map((line) => line.split('|'));
  return { main: mirrorOf(targets, 'bookworm'), security: mirrorOf(targets, 'bookworm-security') };
}

function mirrorOf(targets: readonly (readonly string[])[], suite: string): string {
  const uri = targets.find(
    ([by, release, component]) => by === 'Packages' && release === suite && component === 'main',
  )?.[3];
  if (uri !== undefined) return uri;
  throw new Error(
    `Expected "${suite} main" among the sources of this host's apt, but found none. ` +
      `Add it to /etc/apt/sources.list and run "apt-get update", on Debian 12 or beside what is there.`,
  );
}
