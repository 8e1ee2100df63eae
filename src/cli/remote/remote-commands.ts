/** The verbs of `coldpatch --server URL`: what they ask, and what they print. */
import { z } from 'zod';
import { findingSchema, imageSchema, runSchema } from '../../api/schemas.ts';
import { ColdpatchError } from '../../lib/errors.ts';
import { cleanJson, printJson } from '../print-json.ts';
import { printTable } from '../print-table.ts';
import { findRemoteImage } from './find-image.ts';
import { followRun, type RemoteRun } from './follow-run.ts';
import type { ServerClient } from './server-client.ts';

export interface RemoteContext {
  readonly client: ServerClient;
  readonly signal: AbortSignal;
  readonly json: boolean;
  print(text: string): void;
}

/** As the API calls them. */
export type ListFilter = Readonly<Record<string, string | boolean | undefined>>;

export async function listCommand({ client, json, print }: RemoteContext, filter: ListFilter): Promise<void> {
  if (filter.below !== undefined && filter.package === undefined)
    throw new ColdpatchError('usage', 'Expected --package NAME with --below, but found --below alone.');
  const query = new URLSearchParams({ limit: '500' });
  for (const [key, value] of Object.entries(filter)) if (value !== undefined) query.set(key, String(value));
  const images = await client.list(`/api/v1/images?${query.toString()}`, imageSchema);
  if (json) return print(printJson(images));
  const rows = images.map((image) => [
    image.id,
    image.source,
    image.locator,
    image.system?.name ?? image.problem ?? '',
    image.outdated ?? '',
    image.exposure?.vulnerabilities ?? '',
    image.exposure?.urgent ?? '',
    image.held ?? '',
  ]);
  const header = ['id', 'source', 'image', 'system', 'outdated', 'vulnerabilities', 'urgent', 'held'];
  return print(`${printTable(header, rows).join('\n')}\n`);
}

export async function showCommand({ client, print }: RemoteContext, image: string): Promise<void> {
  print(printJson(await findRemoteImage(client, image)));
}

export async function inspectCommand({ client, print }: RemoteContext, image: string): Promise<void> {
  const { id } = await findRemoteImage(client, image);
  print(`${cleanJson(await client.text(`/api/v1/images/${id}/inspection`))}\n`);
}

export async function scanCommand({ client, json, print }: RemoteContext, image: string): Promise<void> {
  const { id, exposure, matchedAt } = await findRemoteImage(client, image);
  const findings = await client.list(`/api/v1/images/${id}/findings?limit=500`, findingSchema);
  if (json) return print(printJson({ image: id, matchedAt, exposure, findings }));
  const rows = findings
    .toSorted((one, other) => (one.advisory < other.advisory ? 1 : -1))
    .map((found) => [
      found.advisory,
      found.severity,
      found.package,
      found.installed,
      found.fixedVersion ?? '',
      found.remedy,
    ]);
  const header = ['vulnerability', 'severity', 'package', 'installed', 'fixed', 'remedy'];
  const end =
    exposure === null
      ? 'It was not compared with advisories yet: that is not clean.'
      : `${exposure.vulnerabilities} vulnerabilities, ${exposure.urgent} of them urgent; ${exposure.unknowns} things could not be found out.`;
  return print(`${printTable(header, rows).join('\n')}\n\n${end}\n`);
}

const generationsSchema = z.array(
  z.object({ number: z.number(), run: z.string(), takenAt: z.string(), digestBefore: z.string() }),
);

export async function generationsCommand(
  { client, json, print }: RemoteContext,
  image: string,
): Promise<void> {
  const { id } = await findRemoteImage(client, image);
  const { items } = await client.get(
    `/api/v1/images/${id}/generations`,
    z.object({ items: generationsSchema }),
  );
  if (json) return print(printJson(items));
  const rows = items.map(({ number, takenAt, run, digestBefore }) => [number, takenAt, run, digestBefore]);
  return print(`${printTable(['generation', 'taken', 'run', 'sha256'], rows).join('\n')}\n`);
}

export interface StartRequest {
  readonly kind: 'inspect' | 'upgrade' | 'rollback';
  readonly generation?: number | undefined;
  readonly follow: boolean;
}

/** Starts a run on an image. */
export async function startCommand(
  context: RemoteContext,
  named: string,
  { follow, ...wanted }: StartRequest,
): Promise<void> {
  const { id } = await findRemoteImage(context.client, named);
  const run = await context.client.post(`/api/v1/images/${id}/runs`, wanted, runSchema);
  await showOrFollow(context, run, follow);
}

export async function collectCommand(
  context: RemoteContext,
  source: string,
  { follow }: { readonly follow: boolean },
): Promise<void> {
  const path = `/api/v1/sources/${encodeURIComponent(source)}/collect`;
  await showOrFollow(context, await context.client.post(path, undefined, runSchema), follow);
}

export async function releaseCommand({ client, print }: RemoteContext, named: string): Promise<void> {
  const { id } = await findRemoteImage(client, named);
  print(printJson(await client.post(`/api/v1/images/${id}/release`, undefined, imageSchema)));
}

export async function runsCommand({ client, json, print }: RemoteContext, filter: ListFilter): Promise<void> {
  const query = new URLSearchParams({ limit: '500' });
  for (const [key, value] of Object.entries(filter)) if (value !== undefined) query.set(key, String(value));
  const runs = await client.list(`/api/v1/runs?${query.toString()}`, runSchema);
  if (json) return print(printJson(runs));
  return print(printRuns(runs));
}

/** `approve` or `cancel`. */
export async function decideCommand(
  context: RemoteContext,
  id: string,
  { verb, follow }: { readonly verb: 'approve' | 'cancel'; readonly follow: boolean },
): Promise<void> {
  const path = `/api/v1/runs/${encodeURIComponent(id)}/${verb}`;
  await showOrFollow(context, await context.client.post(path, undefined, runSchema), follow);
}

export async function followCommand({ client, signal, print }: RemoteContext, id: string): Promise<void> {
  await followRun(client, id, { print, signal });
}

export async function attestationCommand({ client, print }: RemoteContext, id: string): Promise<void> {
  print(`${cleanJson(await client.text(`/api/v1/runs/${encodeURIComponent(id)}/attestation`))}\n`);
}

async function showOrFollow(context: RemoteContext, run: RemoteRun, follow: boolean): Promise<void> {
  const { client, signal, json, print } = context;
  const shown = follow
    ? await followRun(client, run.id, { print: json ? () => undefined : print, signal })
    : run;
  print(json ? printJson(shown) : printRuns([shown]));
}

function printRuns(runs: readonly RemoteRun[]): string {
  const rows = runs.map(({ id, kind, state, image, requestedBy, requestedAt, error }) => [
    id,
    kind,
    state,
    image ?? '',
    requestedBy,
    requestedAt,
    error?.code ?? '',
  ]);
  const header = ['run', 'kind', 'state', 'image', 'requested by', 'at', 'error'];
  return `${printTable(header, rows).join('\n')}\n`;
}
