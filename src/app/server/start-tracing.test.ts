import { expect, test } from 'vitest';
import { defaultConfig } from '../../config/default-config.ts';
import type { ColdpatchError } from '../../lib/errors.ts';
import { startTracing } from './start-tracing.ts';

const config = defaultConfig({ environment: {}, isRoot: false });
const collector = 'http://127.0.0.1:9';

test.each([
  ['nothing', undefined, {}, false, false],
  ['the configuration', collector, {}, true, false],
  ['the configuration, which wins', collector, { OTEL_SDK_DISABLED: 'true' }, true, false],
  ['the general variable', undefined, { OTEL_EXPORTER_OTLP_ENDPOINT: collector }, true, false],
  ['the one for traces', undefined, { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: collector }, true, false],
  [
    'a variable where the SDK is disabled',
    undefined,
    { OTEL_EXPORTER_OTLP_ENDPOINT: collector, OTEL_SDK_DISABLED: 'TRUE' },
    false,
    false,
  ],
  [
    'a variable where traces go nowhere',
    undefined,
    { OTEL_EXPORTER_OTLP_ENDPOINT: collector, OTEL_TRACES_EXPORTER: 'none' },
    false,
    false,
  ],
  [
    'a collector that wants gRPC',
    undefined,
    { OTEL_EXPORTER_OTLP_ENDPOINT: collector, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
    false,
    true,
  ],
  ['no URL', undefined, { OTEL_EXPORTER_OTLP_ENDPOINT: 'localhost:4317' }, false, true],
] as const)('with %s', async (_name, otlpEndpoint, environment, isOn, isToldOf) => {
  const faults: ColdpatchError[] = [];
  const tracing = await startTracing(
    { ...config, otlpEndpoint },
    { service: 'coldpatch-server', environment, onFault: (error) => faults.push(error as ColdpatchError) },
  );
  expect(tracing.isOn).toBe(isOn);
  expect(faults.map(({ code }) => code)).toEqual(isToldOf ? ['collector_unreachable'] : []);
  // Nothing was begun, so nothing is sent.
  await tracing.stop();
});
