import { z } from 'zod';
import { createTurns } from './create-turns.ts';
import { idParameters, nextOf, pageOf, pageQuery, runSchema, runView, sequence, textOf } from './schemas.ts';
import { streamEvents } from './stream-events.ts';
import type { Api, ApiContext } from './types.ts';

const filters = pageQuery.extend({
  image: textOf(100).optional(),
  state: runSchema.shape.state.optional(),
  kind: runSchema.shape.kind.optional(),
});

const stepSchema = z.object({
  name: z.string(),
  state: z.enum(['pending', 'running', 'done', 'skipped', 'failed']),
  startedAt: z.string().nullable(),
  endedAt: z.string().nullable(),
});

/** Runs, their progress, and who lets them go on. */
export function addRunRoutes(api: Api, context: ApiContext): void {
  const { application } = context;
  api.get(
    '/api/v1/runs',
    { config: { access: 'viewer' }, schema: { querystring: filters, response: { 200: pageOf(runSchema) } } },
    async ({ caller, query }) => {
      const { cursor, limit, ...filter } = query;
      const rows = await application.runs(caller, filter, { after: cursor, limit });
      return { items: rows.map(runView), next: nextOf(rows, limit) };
    },
  );

  api.get(
    '/api/v1/runs/:id',
    {
      config: { access: 'viewer' },
      schema: { params: idParameters, response: { 200: runSchema.extend({ steps: z.array(stepSchema) }) } },
    },
    async ({ caller, params }) => {
      const run = runView(await application.run(caller, params.id));
      const steps = await application.steps(caller, params.id);
      return {
        ...run,
        steps: steps.map(({ name, state, started_at, ended_at }) => ({
          name,
          state,
          startedAt: started_at,
          endedAt: ended_at,
        })),
      };
    },
  );

  const takeTurn = createTurns();
  api.get(
    '/api/v1/runs/:id/events',
    {
      config: { access: 'viewer' },
      schema: {
        params: idParameters,
        headers: z.object({ 'last-event-id': sequence }),
        description: 'Server-sent events: progress of the run until it ends',
      },
    },
    async ({ caller, params, headers }, reply) => {
      await application.run(caller, params.id);
      const after = headers['last-event-id'];
      return streamEvents(reply, context, { caller, runId: params.id, after, takeTurn });
    },
  );

  api.get(
    '/api/v1/runs/:id/attestation',
    {
      config: { access: 'viewer' },
      schema: {
        params: idParameters,
        description: 'The signed statement of what the run promoted: DSSE with an in-toto statement',
      },
    },
    async ({ caller, params }, reply) =>
      reply
        .type('application/vnd.dsse.envelope.v1+json')
        .send(await application.attestation(caller, params.id)),
  );

  api.post(
    '/api/v1/runs/:id/cancel',
    { config: { access: 'operator' }, schema: { params: idParameters, response: { 202: runSchema } } },
    async ({ caller, params }, reply) =>
      reply.status(202).send(runView(await application.cancel(caller, params.id))),
  );

  api.post(
    '/api/v1/runs/:id/pause',
    { config: { access: 'operator' }, schema: { params: idParameters, response: { 202: runSchema } } },
    async ({ caller, params }, reply) =>
      reply.status(202).send(runView(await application.pause(caller, params.id, true))),
  );

  api.post(
    '/api/v1/runs/:id/resume',
    { config: { access: 'operator' }, schema: { params: idParameters, response: { 202: runSchema } } },
    async ({ caller, params }, reply) =>
      reply.status(202).send(runView(await application.pause(caller, params.id, false))),
  );

  api.post(
    '/api/v1/runs/:id/approve',
    { config: { access: 'approver' }, schema: { params: idParameters, response: { 202: runSchema } } },
    async ({ caller, params }, reply) =>
      reply.status(202).send(runView(await application.approve(caller, params.id))),
  );
}
