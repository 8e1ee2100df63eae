import { createServer } from 'node:https';
import { fastifySwagger } from '@fastify/swagger';
import { fastify, type FastifyServerOptions } from 'fastify';
import {
  jsonSchemaTransform,
  jsonSchemaTransformObject,
  serializerCompiler,
  validatorCompiler,
  type ZodTypeProvider,
} from 'fastify-type-provider-zod';
import type { Application } from '../app/server/application.ts';
import { noTracing } from '../lib/tracing/no-tracing.ts';
import type { Tracing } from '../lib/tracing/types.ts';
import { addAdminRoutes } from './admin-routes.ts';
import { guardRoutes } from './guard-routes.ts';
import { answerOnce } from './answer-once.ts';
import { handleErrors } from './handle-errors.ts';
import { addImageRoutes } from './image-routes.ts';
import { addOperatingRoutes } from './operating-routes.ts';
import { addRunRoutes } from './run-routes.ts';
import { tagAnswers } from './tag-answers.ts';
import { traceRequests } from './trace-requests.ts';
import type { Api } from './types.ts';

export interface ApiOptions {
  readonly application: Application;
  readonly host: string;
  /** 0: one that is free. */
  readonly port: number;
  readonly requestsPerSecond: number;
  /** All requests come through one other program, which says last in X-Forwarded-For whose each is. */
  readonly behindProxy?: boolean;
  /** PEM. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  /** Where log lines (JSON) go; nowhere without it. */
  readonly log?: { write(line: string): void } | undefined;
  readonly tracing?: Tracing;
}

/** The doors of a server. */
export interface RunningApi {
  readonly url: string;
  /** Every route, as Fastify knows it. */
  readonly routes: readonly { readonly method: string; readonly url: string }[];
  /** Lets requests finish, ends streams. */
  stop(): Promise<void>;
}

const mostBodyBytes = 64 * 1024;
const requestSeconds = 30;

/** Listens for REST requests. */
export async function startApi(options: ApiOptions): Promise<RunningApi> {
  const { tls, log } = options;
  const settings: FastifyServerOptions = {
    bodyLimit: mostBodyBytes,
    requestTimeout: requestSeconds * 1000,
    connectionTimeout: 0,
    keepAliveTimeout: 10_000,
    forceCloseConnections: 'idle',
    return503OnClosing: true,
    // Of the addresses that were forwarded only the last one was not written by whoever asks.
    trustProxy: options.behindProxy === true && ((_address, hop) => hop === 0),
    logger: log ? { stream: log, redact: ['req.headers.authorization'] } : false,
    ...(tls && {
      serverFactory: (handler) => createServer({ ...tls, minVersion: 'TLSv1.2' }, handler),
    }),
  };
  const api: Api = fastify(settings).withTypeProvider<ZodTypeProvider>();
  api.setValidatorCompiler(validatorCompiler).setSerializerCompiler(serializerCompiler);
  const ending = new AbortController();
  const context = { application: options.application, ended: ending.signal };
  const routes: { method: string; url: string }[] = [];
  api.addHook('onRoute', ({ method, url }) => {
    for (const name of [method].flat()) routes.push({ method: name, url });
  });
  handleErrors(api);
  traceRequests(api, options.tracing ?? noTracing);
  guardRoutes(api, context, options);
  answerOnce(api, context);
  tagAnswers(api);
  await api.register(fastifySwagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'coldpatch', version: '1', description: 'The image security server' },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      security: [{ token: [] }],
    },
    transform: jsonSchemaTransform,
    transformObject: jsonSchemaTransformObject,
  });
  addOperatingRoutes(api, context);
  addImageRoutes(api, context);
  addRunRoutes(api, context);
  addAdminRoutes(api, context);
  const url = await api.listen({ host: options.host, port: options.port });
  return {
    url,
    routes,
    async stop() {
      ending.abort();
      await api.close();
    },
  };
}
