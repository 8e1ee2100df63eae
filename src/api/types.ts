import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Application, Caller } from '../app/server/application.ts';
import type { Access } from './roles.ts';

/** Fastify with routes that are described by Zod. */
export type Api = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/** What the routes need. */
export interface ApiContext {
  readonly application: Application;
  /** Aborted when the server stops: streams end. */
  readonly ended: AbortSignal;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Who may use the route. One without it is refused when it is added. */
    access?: Access;
  }
  interface FastifyRequest {
    /** Set before every handler of a route that is not public. */
    caller: Caller;
    /** Of what the request does: W3C Trace Context. */
    traceparent: string | undefined;
  }
}
