import type { FastifyError, FastifyReply } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { ColdpatchError } from '../lib/errors.ts';
import { type Problem, problemOf } from './problem.ts';
import type { Api } from './types.ts';

/** Every error leaves as a problem document; what went wrong inside of the server is logged, and not told. */
export function handleErrors(api: Api): void {
  api.setErrorHandler<FastifyError>((error, request, reply) => {
    const problem = translate(error);
    if (problem.status >= 500) request.log.error(error);
    if (problem.status === 401)
      void reply.header('www-authenticate', 'Basic realm="coldpatch", charset="UTF-8"');
    if (problem.status === 429) void reply.header('retry-after', '1');
    return send(reply, problem);
  });
  api.setNotFoundHandler((request, reply) =>
    send(
      reply,
      problemOf('object_unknown', `Expected a route of the API, but there is no ${request.method} here.`),
    ),
  );
}

function send(reply: FastifyReply, problem: Problem): FastifyReply {
  return reply
    .status(problem.status)
    .header('content-type', 'application/problem+json')
    .serializer((body: unknown) => JSON.stringify(body))
    .send(problem);
}

function translate(error: FastifyError): Problem {
  if (error instanceof ColdpatchError) {
    const problem = problemOf(error.code, error.message);
    return problem.status < 500
      ? problem
      : problemOf('internal', 'The log of the server says more.', problem.status);
  }
  if (hasZodFastifySchemaValidationErrors(error)) {
    const words = error.validation.map(({ instancePath, message }) => `${instancePath || '/'}: ${message}`);
    return problemOf('request_invalid', words.join('; '));
  }
  const { statusCode = 500 } = error;
  if (statusCode >= 400 && statusCode < 500) return problemOf('request_invalid', error.message, statusCode);
  return problemOf('internal', 'The log of the server says more.');
}
