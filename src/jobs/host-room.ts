/** What steps take of a host while they are carried out. Bytes. */
export interface Room {
  readonly memory: number;
  /** For working copies, and what is made for an upgrade. */
  readonly scratch: number;
}

/** What all steps of a host may take together; a resource without a limit is not counted. */
export type RoomLimits = Partial<Room>;

export interface RoomRequest {
  /** Others of the same kind are not taken while one waits. */
  readonly kind: string;
  readonly needs: Room;
  readonly limits: RoomLimits;
  readonly signal: AbortSignal;
  /** Called once if it has to wait, with what there is too little of. */
  readonly onWait: (lacking: readonly (keyof Room)[]) => void;
}

/** The books of one process on what its steps take of the host. What it killed takes nothing: they are not kept. */
export interface HostRoom {
  /** True while a step of this kind waits. */
  isWaitedFor(kind: string): boolean;
  /**
   * Waits until there is room, and keeps it until it is disposed of. Only for what `lacking` says can ever fit.
   * In the order of asking; who comes later goes first only where it cannot make an earlier one wait any longer.
   *
   * @throws the reason of `signal`
   */
  reserve(request: RoomRequest): Promise<Disposable>;
}

interface Waiting extends RoomRequest {
  readonly since: number;
  readonly begin: () => void;
}

interface Reserved {
  readonly needs: Room;
  readonly at: number;
}

export function createHostRoom(): HostRoom {
  const reserved = new Set<Reserved>();
  const line: Waiting[] = [];
  let clock = 0;

  /** What would be too little if it began now. */
  const tooLittle = ({ needs, limits }: RoomRequest): readonly (keyof Room)[] =>
    lacking(sum([...reserved].map((one) => one.needs).concat(needs)), limits);

  const take = ({ needs }: RoomRequest): Disposable => {
    const own = { needs, at: (clock += 1) };
    reserved.add(own);
    return {
      [Symbol.dispose]() {
        if (reserved.delete(own)) serve();
      },
    };
  };

  /** Whoever overtakes must fit beside the first of the line, and beside all others that overtook it. */
  const mayBegin = (request: RoomRequest): boolean => {
    if (tooLittle(request).length > 0) return false;
    const [first] = line;
    if (first === undefined) return true;
    const overtook = [...reserved].filter(({ at }) => at > first.since).map((one) => one.needs);
    return lacking(sum([...overtook, request.needs, first.needs]), first.limits).length === 0;
  };

  const serve = (): void => {
    while (line[0] !== undefined && tooLittle(line[0]).length === 0) line.shift()?.begin();
    for (const waiting of line.slice(1)) {
      if (!mayBegin(waiting)) continue;
      line.splice(line.indexOf(waiting), 1);
      waiting.begin();
    }
  };

  return {
    isWaitedFor: (kind) => line.some((waiting) => waiting.kind === kind),
    async reserve(request) {
      const { signal } = request;
      signal.throwIfAborted();
      if (mayBegin(request)) return take(request);
      const { promise, resolve, reject } = Promise.withResolvers<Disposable>();
      const waiting = { ...request, since: (clock += 1), begin: () => resolve(take(request)) };
      line.push(waiting);
      const giveUp = (): void => {
        const place = line.indexOf(waiting);
        if (place === -1) return;
        line.splice(place, 1);
        reject(signal.reason as Error);
        serve();
      };
      signal.addEventListener('abort', giveUp, { once: true });
      try {
        request.onWait(tooLittle(request));
        return await promise;
      } finally {
        signal.removeEventListener('abort', giveUp);
      }
    },
  };
}

/** Of what more is asked for than the limits allow. */
export function lacking(asked: Room, limits: RoomLimits): readonly (keyof Room)[] {
  return (['memory', 'scratch'] as const).filter((what) => asked[what] > (limits[what] ?? Infinity));
}

function sum(all: readonly Room[]): Room {
  return {
    memory: all.reduce((total, { memory }) => total + memory, 0),
    scratch: all.reduce((total, { scratch }) => total + scratch, 0),
  };
}
