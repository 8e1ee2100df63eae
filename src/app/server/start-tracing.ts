import { hostname } from 'node:os';
import type { Config } from '../../config/schema.ts';
import { ColdpatchError } from '../../lib/errors.ts';
import { noTracing } from '../../lib/tracing/no-tracing.ts';
import type { Tracing } from '../../lib/tracing/types.ts';

export interface TracingOptions {
  /** What the process is, for whoever reads its spans. */
  readonly service: 'coldpatch-server' | 'coldpatch-worker';
  /** By which workers are known. */
  readonly host?: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly onFault: (error: unknown) => void;
}

const secondsBetweenComplaints = 60;

/** Sends spans to the collector that the configuration or the variables of OpenTelemetry name; without one to nobody. */
export async function startTracing(
  { otlpEndpoint }: Config,
  { service, host = hostname(), environment, onFault }: TracingOptions,
): Promise<Tracing> {
  const url = tracesUrl(otlpEndpoint, environment, onFault);
  if (url === undefined) return noTracing;
  const { openTelemetry } = await import('../../lib/tracing/open-telemetry.ts');
  const complain = createComplaints(url, onFault);
  const resource = { 'service.name': service, 'host.name': host, 'process.pid': process.pid };
  return openTelemetry({ url: url.href, resource, onLoss: complain });
}

/** As the OpenTelemetry Protocol Exporter specification has it: the general variable is a base, the one for traces is not. */
function tracesUrl(
  configured: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
  onFault: (error: unknown) => void,
): URL | undefined {
  if (configured !== undefined) return urlOf(configured, 'v1/traces');
  if (environment.OTEL_SDK_DISABLED?.trim().toLowerCase() === 'true') return undefined;
  if (environment.OTEL_TRACES_EXPORTER?.trim() === 'none') return undefined;
  const { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: own, OTEL_EXPORTER_OTLP_ENDPOINT: base } = environment;
  const named = own || base;
  if (!named) return undefined;
  const protocol = environment.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL || environment.OTEL_EXPORTER_OTLP_PROTOCOL;
  const url = protocol === 'grpc' ? undefined : urlOf(named, own ? '' : 'v1/traces');
  // The variables may be meant for others: they stop nobody from working.
  if (url === undefined)
    onFault(
      new ColdpatchError(
        'collector_unreachable',
        'Expected OTEL_EXPORTER_OTLP_ENDPOINT to be the http or https URL of a collector that speaks OTLP over HTTP, but it is none. ' +
          'Nothing is traced; set otlpEndpoint for coldpatch alone.',
      ),
    );
  return url;
}

function urlOf(text: string, path: string): URL | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return undefined;
  if (path !== '') url.pathname = `${url.pathname.replace(/\/$/, '')}/${path}`;
  return url;
}

/** One line a minute says how many spans were lost meanwhile. The URL is told without a password in it. */
function createComplaints({ origin }: URL, onFault: (error: unknown) => void) {
  let lost = 0;
  let last = Number.NEGATIVE_INFINITY;
  return (spans: number, reason: string): void => {
    lost += spans;
    const now = performance.now();
    if (now - last < secondsBetweenComplaints * 1000) return;
    last = now;
    onFault(
      new ColdpatchError(
        'collector_unreachable',
        `Expected the collector at ${origin} to take ${lost} spans, but it did not: ${reason.slice(0, 200)}. They are lost; the work goes on.`,
      ),
    );
    lost = 0;
  };
}
