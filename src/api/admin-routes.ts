import { z } from 'zod';
import { roles } from './roles.ts';
import { idParameters, sequence, textOf } from './schemas.ts';
import type { Api, ApiContext } from './types.ts';

const auditQuery = z.object({
  after: sequence,
  limit: z.coerce.number().int().min(1).max(1000).default(100),
});

const auditSchema = z
  .object({
    sequence: z.number(),
    at: z.string(),
    actor: z.string(),
    action: z.string(),
    object: z.string(),
    detail: z.string(),
    previous: z.string(),
    hash: z.string(),
  })
  .meta({ id: 'AuditEntry' });

const tokenSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    role: z.enum(roles),
    sources: z.array(z.string()).nullable(),
    createdAt: z.string(),
    expiresAt: z.string().nullable(),
    revokedAt: z.string().nullable(),
  })
  .meta({ id: 'Token' });

/** An admin makes tokens, and so has every source that there is. */
const grantSchema = z
  .strictObject({
    name: textOf(100).min(1),
    role: z.enum(roles),
    sources: z
      .array(textOf(100))
      .max(1000)
      .optional()
      .describe('Only these; all unless given. Not for an admin'),
    expiresAt: z.iso.datetime({ precision: 3 }).optional(),
  })
  .refine(({ role, sources }) => role !== 'admin' || sources === undefined, {
    path: ['sources'],
    message: 'must not be given for the role admin, which may make tokens of every source',
  });

/** Tokens and the audit log. */
export function addAdminRoutes(api: Api, { application }: ApiContext): void {
  api.get(
    '/api/v1/audit',
    {
      config: { access: 'admin' },
      schema: { querystring: auditQuery, response: { 200: z.object({ items: z.array(auditSchema) }) } },
    },
    async ({ query }) => ({ items: await application.auditLog(query.after, query.limit) }),
  );

  api.get(
    '/api/v1/tokens',
    { config: { access: 'admin' }, schema: { response: { 200: z.object({ items: z.array(tokenSchema) }) } } },
    async () => {
      const rows = await application.tokens();
      const items = rows.map(({ id, name, role, sources, created_at, expires_at, revoked_at }) => ({
        id,
        name,
        role,
        sources: sources === null ? null : (JSON.parse(sources) as string[]),
        createdAt: created_at,
        expiresAt: expires_at,
        revokedAt: revoked_at,
      }));
      return { items };
    },
  );

  api.post(
    '/api/v1/tokens',
    {
      config: { access: 'admin' },
      schema: {
        body: grantSchema,
        response: { 201: z.object({ id: z.string(), token: z.string().describe('Shown this once') }) },
      },
    },
    async ({ caller, body }, reply) => reply.status(201).send(await application.createToken(caller, body)),
  );

  api.delete(
    '/api/v1/tokens/:id',
    { config: { access: 'admin' }, schema: { params: idParameters, response: { 204: z.null() } } },
    async ({ caller, params }, reply) => {
      await application.revokeToken(caller, params.id);
      return reply.status(204).send(null);
    },
  );
}
