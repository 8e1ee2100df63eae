import { printSpread, spreadOf } from './spread.ts';
import type { BenchContext } from './types.ts';

export interface Comparison {
  /** Seconds of one run. */
  readonly ours: () => Promise<number>;
  readonly peer: () => Promise<number>;
  readonly peerName: string;
  /** Ours divided by the peer's may be this at most. */
  readonly target: number;
}

/** Runs both in turn, prints each pair and the spread, and says whether the median of the ratios reaches the target. */
export async function compare(
  { pairs, print }: BenchContext,
  { ours, peer, peerName, target }: Comparison,
): Promise<boolean> {
  const times: { readonly ours: number; readonly peer: number }[] = [];
  for (let pair = 1; pair <= pairs; pair += 1) {
    // Who goes first has the colder caches: take turns in that too.
    const time =
      pair % 2 === 1
        ? { peer: await peer(), ours: await ours() }
        : { ours: await ours(), peer: await peer() };
    times.push(time);
    const ratio = (time.ours / time.peer).toFixed(3);
    print(
      `  pair ${pair}: coldpatch ${time.ours.toFixed(2)} s, ${peerName} ${time.peer.toFixed(2)} s, ratio ${ratio}`,
    );
  }
  const ratios = times.map((time) => time.ours / time.peer);
  print(`  coldpatch: ${printSpread(times.map((time) => time.ours))} s`);
  print(`  ${peerName}: ${printSpread(times.map((time) => time.peer))} s`);
  const { median } = spreadOf(ratios);
  print(
    `  ratio: ${printSpread(ratios, 3)}; target: at most ${target}: ${median <= target ? 'reached' : 'MISSED'}`,
  );
  return median <= target;
}
