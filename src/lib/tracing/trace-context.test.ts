import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatTraceparent, newTraceContext, parseTraceparent } from './trace-context.ts';

const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
const span = '00f067aa0ba902b7';

test('the examples of the specification are read', () => {
  expect(parseTraceparent(`00-${trace}-${span}-01`)).toEqual({
    traceId: trace,
    spanId: span,
    isSampled: true,
  });
  expect(parseTraceparent(`00-${trace}-${span}-00`)?.isSampled).toBe(false);
  expect(parseTraceparent(`cc-${trace}-${span}-01-what-the-future-will-be`)?.traceId).toBe(trace);
});

test.each([
  undefined,
  '',
  `ff-${trace}-${span}-01`,
  `00-${trace}-${span}-01-more`,
  `00-${'0'.repeat(32)}-${span}-01`,
  `00-${trace}-${'0'.repeat(16)}-01`,
  `00-${trace.toUpperCase()}-${span}-01`,
  `00-${trace}-${span}`,
  `00-${trace}-${span}-01\n`,
])('%j is no traceparent', (text) => {
  expect(parseTraceparent(text)).toBeUndefined();
});

test('what is made is read again, and a child stays in the trace of its parent', () => {
  fc.assert(
    fc.property(fc.option(fc.boolean(), { nil: undefined }), (isSampled) => {
      const parent = isSampled === undefined ? undefined : { traceId: trace, spanId: span, isSampled };
      const made = newTraceContext(parent);
      expect(parseTraceparent(formatTraceparent(made))).toEqual(made);
      expect(made.isSampled).toBe(isSampled ?? true);
      expect(made.traceId === trace).toBe(parent !== undefined);
      expect(made.spanId).not.toBe(span);
    }),
  );
});
