import { z } from 'zod';
import { policySchema } from '../config/server-schema.ts';
import {
  findingSchema,
  findingView,
  idParameters,
  imageSchema,
  imageView,
  nextOf,
  pageOf,
  pageQuery,
  runSchema,
  runView,
  textOf,
} from './schemas.ts';
import type { Api, ApiContext } from './types.ts';

const allFilters = pageQuery.extend({
  source: textOf(100).optional(),
  system: textOf(100).optional(),
  state: z.enum(['present', 'gone']).optional(),
  role: z.enum(['leaf', 'base']).optional(),
  search: textOf(200).optional().describe('Part of the locator'),
  outdated: z.stringbool().optional(),
  package: textOf(200).optional(),
  advisory: textOf(200)
    .optional()
    .describe('Only images that are open to this vulnerability: `CVE-2024-6387`'),
  below: textOf(200).optional().describe('Only with a version of `package` below this one'),
});

const filters = allFilters.refine(({ package: name, below }) => below === undefined || name !== undefined, {
  path: ['below'],
  message: 'must come with a package',
});

/** Sources, images, and what can be done with an image. */
export function addImageRoutes(api: Api, { application }: ApiContext): void {
  const sourceSchema = z
    .object({
      id: z.string(),
      kind: z.string(),
      directory: z.string().nullable().describe('Of a folder'),
      uri: z.string().nullable().describe('Of a libvirt'),
      upgrade: z.string(),
      lastPassAt: z.string().nullable(),
    })
    .meta({ id: 'Source' });

  api.get(
    '/api/v1/sources',
    {
      config: { access: 'viewer' },
      schema: { response: { 200: z.object({ items: z.array(sourceSchema) }) } },
    },
    async ({ caller }) => ({ items: await application.sources(caller) }),
  );

  addPolicyRoutes(api, { application });

  api.post(
    '/api/v1/sources/:id/collect',
    { config: { access: 'operator' }, schema: { params: idParameters, response: { 202: runSchema } } },
    async ({ caller, params }, reply) =>
      reply.status(202).send(runView(await application.collect(caller, params.id))),
  );

  api.get(
    '/api/v1/images',
    {
      config: { access: 'viewer' },
      schema: { querystring: filters, response: { 200: pageOf(imageSchema) } },
    },
    async ({ caller, query }) => {
      const { cursor, limit, ...filter } = query;
      const rows = await application.images(caller, filter, { after: cursor, limit });
      return { items: rows.map(imageView), next: nextOf(rows, limit) };
    },
  );

  api.get(
    '/api/v1/images/:id',
    {
      config: { access: 'viewer' },
      schema: { params: idParameters, response: { 200: imageSchema } },
    },
    async ({ caller, params }) => imageView(await application.image(caller, params.id)),
  );

  api.get(
    '/api/v1/images/:id/inspection',
    { config: { access: 'viewer' }, schema: { params: idParameters } },
    async ({ caller, params }, reply) =>
      reply.type('application/json').send(await application.inspection(caller, params.id)),
  );

  api.get(
    '/api/v1/images/:id/findings',
    {
      config: { access: 'viewer' },
      schema: {
        params: idParameters,
        querystring: pageQuery.extend({ cursor: textOf(100).optional() }),
        response: { 200: pageOf(findingSchema) },
      },
    },
    async ({ caller, params, query: { cursor, limit } }) => {
      const rows = await application.findings(caller, params.id, { after: cursor, limit });
      return { items: rows.map(findingView), next: nextOf(rows, limit) };
    },
  );

  const generationSchema = z
    .object({
      number: z.number(),
      run: z.string(),
      takenAt: z.string(),
      digestBefore: z.string(),
      digestAfter: z.string(),
    })
    .meta({ id: 'Generation' });

  api.get(
    '/api/v1/images/:id/generations',
    {
      config: { access: 'viewer' },
      schema: { params: idParameters, response: { 200: z.object({ items: z.array(generationSchema) }) } },
    },
    async ({ caller, params }) => {
      const rows = await application.generations(caller, params.id);
      const items = rows.map(({ number, run_id, taken_at, digest_before, digest_after }) => ({
        number,
        run: run_id,
        takenAt: taken_at,
        digestBefore: digest_before,
        digestAfter: digest_after,
      }));
      return { items };
    },
  );

  api.post(
    '/api/v1/images/:id/runs',
    {
      config: { access: 'operator' },
      schema: {
        params: idParameters,
        headers: z.object({ 'idempotency-key': z.string().min(1).max(200).optional() }),
        body: z.strictObject({
          kind: z.enum(['inspect', 'upgrade', 'rollback']),
          generation: z.int().min(1).optional().describe('For a rollback; the newest unless given'),
        }),
        response: { 202: runSchema },
      },
    },
    async ({ caller, params, headers, body }, reply) => {
      const wanted = { ...body, idempotencyKey: headers['idempotency-key'] };
      return reply.status(202).send(runView(await application.startRun(caller, params.id, wanted)));
    },
  );

  api.post(
    '/api/v1/images/:id/release',
    { config: { access: 'operator' }, schema: { params: idParameters, response: { 200: imageSchema } } },
    async ({ caller, params }) => imageView(await application.release(caller, params.id)),
  );
}

/** What is done with the images of a source: as the file says, or as somebody set it here. */
function addPolicyRoutes(api: Api, { application }: Pick<ApiContext, 'application'>): void {
  const policyView = z
    .object({
      source: z.string(),
      policy: z.unknown().describe('As in a PUT'),
      origin: z.enum(['file', 'api']),
      revision: z.number(),
      changedBy: z.string().nullable(),
      changedAt: z.string().nullable(),
    })
    .meta({ id: 'PolicyOfSource' });
  const path = '/api/v1/sources/:id/policy';

  api.get(
    path,
    {
      config: { access: 'viewer' },
      schema: { params: idParameters, response: { 200: policyView } },
    },
    async ({ caller, params }, reply) => {
      const found = await application.policy(caller, params.id);
      void reply.header('etag', `"${found.revision}"`);
      return found;
    },
  );

  api.put(
    path,
    {
      config: { access: 'admin' },
      schema: {
        params: idParameters,
        headers: z.object({
          'if-match': z
            .string()
            .regex(/^"\d{1,15}"$/)
            .optional()
            .describe('The ETag of the policy that this one replaces'),
        }),
        body: policySchema,
        response: { 200: policyView },
      },
    },
    async ({ caller, params, headers, body }) => {
      const seen = headers['if-match'];
      const expected = seen === undefined ? undefined : Number(seen.slice(1, -1));
      return application.setPolicy(caller, params.id, { wanted: body, expected });
    },
  );

  api.delete(
    path,
    { config: { access: 'admin' }, schema: { params: idParameters, response: { 204: z.null() } } },
    async ({ caller, params }, reply) => {
      await application.removePolicy(caller, params.id);
      return reply.status(204).send(null);
    },
  );
}
