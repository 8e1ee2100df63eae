/** The only file that knows OpenTelemetry. It is loaded when somebody configured a collector, and else by nobody. */
import {
  type Attributes,
  type Context,
  ROOT_CONTEXT,
  type Span as OpenSpan,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOnSampler,
  BatchSpanProcessor,
  type IdGenerator,
  ParentBasedSampler,
  RandomIdGenerator,
  type SpanExporter,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { formatTraceparent, parseTraceparent, type TraceContext } from './trace-context.ts';
import type { SpanAttributes, Tracing } from './types.ts';

export interface OpenTelemetryOptions {
  /** Where spans are sent: OTLP over HTTP, as JSON. */
  readonly url: string;
  /** What the process says of itself. OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME win over it. */
  readonly resource: SpanAttributes;
  /** Told of spans that no collector took, as often as it happens. */
  readonly onLoss: (spans: number, reason: string) => void;
}

/** What one attempt may take, with its repetitions. */
const exportMilliseconds = 5000;
const sendEveryMilliseconds = 2000;
/** Spans that wait for a collector that does not answer; about 2 KiB each. */
const mostWaiting = 4096;
const longestText = 512;

/** Spans are kept in memory and sent in the background; when too many wait, new ones are dropped. */
export function openTelemetry({ url, resource, onLoss }: OpenTelemetryOptions): Tracing {
  const ids = createIds();
  const provider = new TracerProvider({
    idGenerator: ids,
    sampler: new ParentBasedSampler({ root: new AlwaysOnSampler() }),
    spanLimits: { attributeValueLengthLimit: longestText },
    resource: resourceFromAttributes(known(resource)).merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: watched(new OTLPTraceExporter({ url, timeoutMillis: exportMilliseconds }), onLoss),
        scheduledDelayMillis: sendEveryMilliseconds,
        exportTimeoutMillis: exportMilliseconds + 1000,
        maxQueueSize: mostWaiting,
      }),
    ],
  });
  const tracer = provider.getTracer('coldpatch');
  return {
    isOn: true,
    start({ name, kind, parent, attributes = {} }) {
      const options = { kind: kindOf[kind], attributes: known(attributes) };
      const span = tracer.startSpan(name, options, contextOf(parseTraceparent(parent)));
      const { traceId, spanId, traceFlags } = span.spanContext();
      return {
        traceparent: formatTraceparent({
          traceId,
          spanId,
          isSampled: (traceFlags & TraceFlags.SAMPLED) !== 0,
        }),
        set: (more) => void span.setAttributes(known(more)),
        end: (error) => endSpan(span, error),
      };
    },
    record({ name, kind, traceparent, parentSpan, startedAt, endedAt, attributes = {}, error }) {
      const own = parseTraceparent(traceparent);
      if (own?.isSampled !== true) return;
      const parent = parentSpan === undefined ? undefined : { ...own, spanId: parentSpan };
      const options = { kind: kindOf[kind], attributes: known(attributes), startTime: startedAt };
      const span = ids.force(own, () => tracer.startSpan(name, options, contextOf(parent)));
      endSpan(span, error, endedAt);
    },
    stop: () =>
      // A failure was told by then.
      provider.shutdown().catch(() => undefined),
  };
}

const kindOf = { server: SpanKind.SERVER, internal: SpanKind.INTERNAL } as const;

function endSpan(span: OpenSpan, error: string | undefined, at?: Date): void {
  if (error !== undefined) {
    span.setAttribute('error.type', error);
    span.setStatus({ code: SpanStatusCode.ERROR, message: error });
  }
  span.end(at);
}

function known(attributes: SpanAttributes): Attributes {
  return Object.fromEntries(
    Object.entries(attributes).filter(([, value]) => value !== undefined),
  ) as Attributes;
}

function contextOf(parent: TraceContext | undefined): Context {
  if (!parent) return ROOT_CONTEXT;
  const { traceId, spanId, isSampled } = parent;
  const traceFlags = isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true });
}

/** Random ids, but for spans whose ids were decided before. */
function createIds(): IdGenerator & { force<Made>(ids: TraceContext, make: () => Made): Made } {
  const random = new RandomIdGenerator();
  let forced: TraceContext | undefined;
  return {
    generateTraceId: () => forced?.traceId ?? random.generateTraceId(),
    generateSpanId: () => forced?.spanId ?? random.generateSpanId(),
    force(ids, make) {
      forced = ids;
      try {
        return make();
      } finally {
        forced = undefined;
      }
    },
  };
}

/** The SDK is silent about what it loses. */
function watched(exporter: OTLPTraceExporter, onLoss: OpenTelemetryOptions['onLoss']): SpanExporter {
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        if (result.error) onLoss(spans.length, result.error.message);
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: () => exporter.forceFlush(),
  };
}
