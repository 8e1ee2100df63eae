import type { Frame } from '../../appliance/machine/read-frames.ts';
import { ColdpatchError } from '../../lib/errors.ts';
import { isUp, type JobPhase } from './judge-guest-job.ts';

export interface JobHeard {
  readonly onUp: () => void;
  readonly onLine: (line: string) => void;
  readonly onResult: (words: string) => void;
}

/** What the job inside has said so far. */
export interface JobStory {
  readonly phase: JobPhase;
  readonly exitCode: number | undefined;
}

/**
 * Takes what a job inside a started machine says, one frame after the other:
 * `ready`, the state of the system when it is up, lines and answers, and `end`.
 */
export class JobFrames {
  readonly #heard: JobHeard;
  #story: JobStory = { phase: 'starting', exitCode: undefined };

  constructor(heard: JobHeard) {
    this.#heard = heard;
  }

  get story(): JobStory {
    return this.#story;
  }

  /** @throws ColdpatchError `guest_protocol` for a frame out of turn, `guest_not_started` for a system that is not up. */
  take(frame: Frame): void {
    const { phase } = this.#story;
    if (phase === 'starting' && frame.kind === 'ready') {
      this.#story = { phase: 'coming_up', exitCode: undefined };
      return;
    }
    if (phase === 'coming_up' && frame.kind === 'result' && frame.text.startsWith('system ')) {
      const state = frame.text.slice('system '.length);
      if (!isUp(state)) throw notUp(state);
      this.#story = { phase: 'working', exitCode: undefined };
      this.#heard.onUp();
      return;
    }
    if (phase !== 'working' || frame.kind === 'ready') throw outOfTurn(frame);
    if (frame.kind === 'out') this.#heard.onLine(frame.text);
    if (frame.kind === 'result') this.#heard.onResult(frame.text);
    if (frame.kind === 'end') this.#story = { phase: 'ended', exitCode: frame.exitCode };
  }
}

function notUp(state: string): ColdpatchError {
  return new ColdpatchError(
    'guest_not_started',
    `Expected the copy to come up, but its systemd says that the system is ${JSON.stringify(state.slice(0, 80))}. The original is as it was.`,
  );
}

function outOfTurn({ kind }: Frame): ColdpatchError {
  return new ColdpatchError(
    'guest_protocol',
    `Expected the job in the started copy to keep to its protocol, but it said "${kind}" out of turn. The original is as it was.`,
  );
}
