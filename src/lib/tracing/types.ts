/** What is said of a span. Never secrets, and no text that an image or a guest could have chosen. */
export type SpanAttributes = Readonly<Record<string, string | number | undefined>>;

/** Something that takes time, until it is ended. */
export interface Span {
  /** For what is done on its behalf (W3C Trace Context, section 3.2); undefined where nobody traces. */
  readonly traceparent: string | undefined;
  set(attributes: SpanAttributes): void;
  /** `error`: the code of an error, when it failed. */
  end(error?: string): void;
}

export interface NewSpan {
  readonly name: string;
  /** `server`: somebody asked for it by a request. */
  readonly kind: 'server' | 'internal';
  /** A `traceparent`; a span without one begins a trace. */
  readonly parent?: string | undefined;
  readonly attributes?: SpanAttributes;
}

/** A span whose ids were decided before, and that may have begun in another process. */
export interface PastSpan extends Omit<NewSpan, 'parent'> {
  /** Its own, not that of its parent. */
  readonly traceparent: string;
  /** Id of the span of the same trace that caused it, if there is one. */
  readonly parentSpan: string | undefined;
  readonly startedAt: Date;
  readonly endedAt: Date;
  readonly error?: string | undefined;
}

/** Takes note of what is done, and how long it takes. It never throws, and nobody waits for it but at the end. */
export interface Tracing {
  /** False where nothing becomes of spans. */
  readonly isOn: boolean;
  start(span: NewSpan): Span;
  record(span: PastSpan): void;
  /** Sends what is left, in seconds at most. */
  stop(): Promise<void>;
}
