import { policySchema, type SourcePolicy } from '../../config/server-schema.ts';
import { type Dispatcher, stepsOfKind } from '../../jobs/types.ts';
import { ColdpatchError } from '../../lib/errors.ts';
import { answerRequestKey, type RequestKey, takeRequestKey } from '../../store/answered-requests.ts';
import { findAttestation } from '../../store/attestations.ts';
import { assertReachable } from '../../store/assert-reachable.ts';
import { addAudit, auditAfter, type AuditEntry } from '../../store/audit.ts';
import { findingsOfImage } from '../../store/findings.ts';
import { countImages, findImage, type ImageFilter, listImages, updateImageRow } from '../../store/images.ts';
import { findInspection, versionsOfPackage } from '../../store/packages.ts';
import { findPolicy, removePolicy, setPolicy } from '../../store/policies.ts';
import {
  addRun,
  countRuns,
  findRun,
  generationsOfImage,
  listRuns,
  moveRun,
  pauseRun,
  runEvents,
  type StoredRun,
  stepsOf,
  wakeWaitingRuns,
} from '../../store/runs.ts';
import { listSources } from '../../store/sources.ts';
import {
  type Caller as KnownCaller,
  createToken,
  findCaller,
  isTokenValid,
  listTokens,
  revokeToken,
  type TokenGrant,
} from '../../store/tokens.ts';
import { packagesBelow } from './packages-below.ts';
import { configuredSource, type ServerContext } from './server-context.ts';

/** What a caller can ask of the server. Whatever is of a source that the caller may not see does not exist. */
export type Application = ReturnType<typeof createApplication>;

export type { TokenGrant } from '../../store/tokens.ts';
export type { StoredImage } from '../../store/images.ts';
export type { StoredFinding } from '../../store/findings.ts';
export type { StoredRun } from '../../store/runs.ts';
export type { Role } from '../../store/tables.ts';

/** Who asks, and in which trace (W3C Trace Context). */
export interface Caller extends KnownCaller {
  readonly traceparent?: string | undefined;
}

export interface ImageQuery extends Omit<ImageFilter, 'sources' | 'packageIds'> {
  readonly package?: string | undefined;
  /** Only with a version of `package` below this one, in the order of its package manager. */
  readonly below?: string | undefined;
}

export interface RunRequest {
  readonly kind: 'inspect' | 'upgrade' | 'rollback';
  readonly generation?: number | undefined;
  readonly idempotencyKey?: string | undefined;
}

export function createApplication(server: ServerContext, dispatcher: Dispatcher) {
  const { store, settings } = server;

  const audit = (caller: Caller, entry: Omit<AuditEntry, 'actor'>): Promise<void> =>
    addAudit(store, { ...entry, actor: `${caller.name} (${caller.tokenId})` });

  const visible = (caller: Caller, sourceId: string): boolean => caller.sources?.includes(sourceId) ?? true;

  async function image(caller: Caller, id: string) {
    const found = await findImage(store, id);
    if (found && visible(caller, found.source_id)) return found;
    throw unknown('image', id);
  }

  /** What holds for a source now, and who said so. Revision 0 is that of the file. */
  async function policy(caller: Caller, sourceId: string) {
    if (!visible(caller, sourceId)) throw unknown('source', sourceId);
    const found = settings.sources.find(({ id }) => id === sourceId);
    if (!found) throw unknown('source', sourceId);
    const stored = await findPolicy(store, sourceId);
    return {
      source: sourceId,
      // As it was set: one of another version is shown, so that it can be set again.
      policy: stored ? (JSON.parse(stored.document) as SourcePolicy) : found.policy,
      origin: stored ? ('api' as const) : ('file' as const),
      revision: stored?.revision ?? 0,
      changedBy: stored?.changed_by ?? null,
      changedAt: stored?.changed_at ?? null,
    };
  }

  async function run(caller: Caller, id: string): Promise<StoredRun> {
    const found = await findRun(store, id);
    if (found && visible(caller, found.source_id)) return found;
    throw unknown('run', id);
  }

  async function enqueue(caller: Caller, wanted: Parameters<typeof addRun>[1], object: string) {
    const { answer, id } = await addRun(store, { ...wanted, traceparent: caller.traceparent });
    if (answer === 'busy')
      throw new ColdpatchError('state_conflict', `Expected ${object} to be free, but run ${id} has it.`);
    if (answer === 'added') await audit(caller, { action: `run.${wanted.kind}`, object, detail: id });
    dispatcher.wake();
    return run(caller, id);
  }

  return {
    authenticate: (token: string) => findCaller(store, token),

    /** Whether the token of a caller is still neither revoked nor expired. */
    isStillKnown: ({ tokenId }: Caller) => isTokenValid(store, tokenId),

    audit,

    async sources(caller: Caller) {
      const rows = await listSources(store);
      return Promise.all(
        settings.sources
          .filter(({ id }) => visible(caller, id))
          .map(async (source) => {
            const row = rows.find(({ id }) => id === source.id);
            return {
              id: source.id,
              kind: source.kind,
              directory: source.kind === 'folder' ? source.directory : null,
              uri: source.kind === 'libvirt' ? source.uri : null,
              upgrade: (await policy(caller, source.id)).policy.upgrade,
              lastPassAt: row?.last_pass_at ?? null,
            };
          }),
      );
    },

    policy,

    /** @param expected the revision that the caller has seen; undefined: whatever is there. */
    async setPolicy(
      caller: Caller,
      sourceId: string,
      { wanted, expected }: { readonly wanted: SourcePolicy; readonly expected: number | undefined },
    ) {
      const { source } = await policy(caller, sourceId);
      const document = JSON.stringify(policySchema.parse(wanted));
      const set = await setPolicy(store, source, { document, by: caller.name, expected });
      if (!set)
        throw new ColdpatchError(
          'state_conflict',
          `Expected the policy of source ${source} as it was read, but somebody changed it meanwhile. Read it again.`,
        );
      await wakeWaitingRuns(store, source);
      dispatcher.wake();
      await audit(caller, {
        action: 'policy.set',
        object: `source ${source}`,
        detail: document.slice(0, 4000),
      });
      return policy(caller, source);
    },

    /** The file has the word again. */
    async removePolicy(caller: Caller, sourceId: string): Promise<void> {
      const { source } = await policy(caller, sourceId);
      await removePolicy(store, source);
      await wakeWaitingRuns(store, source);
      dispatcher.wake();
      await audit(caller, { action: 'policy.remove', object: `source ${source}`, detail: '' });
    },

    async collect(caller: Caller, sourceId: string) {
      if (!visible(caller, sourceId)) throw unknown('source', sourceId);
      const { id } = await configuredSource(server, sourceId);
      const steps = stepsOfKind.collect;
      const wanted = {
        kind: 'collect',
        sourceId: id,
        imageId: null,
        steps,
        requestedBy: caller.name,
      } as const;
      return enqueue(caller, wanted, `source ${id}`);
    },

    async images(
      caller: Caller,
      query: ImageQuery,
      page: { readonly after?: string | undefined; readonly limit: number },
    ) {
      const { package: name, below, ...filter } = query;
      const versions = name === undefined ? undefined : await versionsOfPackage(store, name);
      const chosen = versions && below !== undefined ? packagesBelow(versions, below) : versions;
      const packageIds = chosen?.map(({ id }) => id);
      return listImages(store, { ...filter, sources: caller.sources, packageIds }, page);
    },

    image,

    async inspection(caller: Caller, id: string): Promise<string> {
      const { inspection_id } = await image(caller, id);
      const found = inspection_id === null ? undefined : await findInspection(store, { id: inspection_id });
      if (found) return found.document;
      throw new ColdpatchError(
        'object_unknown',
        `Expected an inspection of image ${id}, but it was not read yet.`,
      );
    },

    /** What an image is open to, as the last comparison found it. */
    async findings(
      caller: Caller,
      id: string,
      page: { readonly after?: string | undefined; readonly limit: number },
    ) {
      return findingsOfImage(store, (await image(caller, id)).id, page);
    },

    /** The signed statement of what a run promoted, as JSON. */
    async attestation(caller: Caller, id: string): Promise<string> {
      const found = await findAttestation(store, (await run(caller, id)).id);
      if (found !== undefined) return found;
      throw new ColdpatchError(
        'object_unknown',
        `Expected run ${id} to have promoted an upgraded image, but there is no statement of it.`,
      );
    },

    takeRequestKey: (key: RequestKey) => takeRequestKey(store, key),

    answerRequestKey: (
      keyHash: string,
      answer: { readonly status: number; readonly body: string } | undefined,
    ) => answerRequestKey(store, keyHash, answer),

    async generations(caller: Caller, id: string) {
      return generationsOfImage(store, (await image(caller, id)).id);
    },

    async startRun(caller: Caller, imageId: string, { kind, generation, idempotencyKey }: RunRequest) {
      const { id, source_id, role, problem, state } = await image(caller, imageId);
      if (state === 'gone' || problem !== null)
        throw new ColdpatchError(
          'state_conflict',
          `Expected an image that can be read, but ${problem ?? 'it is gone'}.`,
        );
      if (role === 'base' && kind !== 'inspect')
        throw new ColdpatchError(
          'image_backs_others',
          `Expected an image on which no other is built, but ${id} is a base.`,
        );
      return enqueue(
        caller,
        {
          kind,
          sourceId: (await configuredSource(server, source_id)).id,
          imageId: id,
          steps: stepsOfKind[kind],
          requestedBy: caller.name,
          // Of one caller: nobody meets another's run by guessing a key.
          idempotencyKey:
            idempotencyKey === undefined
              ? undefined
              : `${caller.tokenId} ${id} ${kind} ${generation ?? ''} ${idempotencyKey}`,
          argument: generation === undefined ? undefined : String(generation),
        },
        `image ${id}`,
      );
    },

    /** An image that was rolled back may be upgraded by itself again. */
    async release(caller: Caller, id: string) {
      await image(caller, id);
      await updateImageRow(store, id, { held: null });
      await audit(caller, { action: 'image.release', object: `image ${id}`, detail: '' });
      return image(caller, id);
    },

    async runs(
      caller: Caller,
      filter: Omit<Parameters<typeof listRuns>[1], 'sources'>,
      page: { readonly after?: string | undefined; readonly limit: number },
    ) {
      const after = page.after === undefined ? undefined : await run(caller, page.after);
      return listRuns(store, { ...filter, sources: caller.sources }, { after, limit: page.limit });
    },

    run,

    async steps(caller: Caller, id: string) {
      return stepsOf(store, (await run(caller, id)).id);
    },

    async cancel(caller: Caller, id: string) {
      await run(caller, id);
      if (!(await dispatcher.cancel(id)))
        throw new ColdpatchError(
          'state_conflict',
          `Expected a run that is under way, but run ${id} has ended.`,
        );
      await audit(caller, { action: 'run.cancel', object: `run ${id}`, detail: '' });
      return run(caller, id);
    },

    /** Whether a run may begin its next step. */
    async pause(caller: Caller, id: string, paused: boolean) {
      await run(caller, id);
      if (!(await pauseRun(store, id, paused)))
        throw new ColdpatchError(
          'state_conflict',
          `Expected a run that is under way, but run ${id} has ended.`,
        );
      const action = paused ? 'run.pause' : 'run.resume';
      await audit(caller, { action, object: `run ${id}`, detail: '' });
      dispatcher.wake();
      return run(caller, id);
    },

    async approve(caller: Caller, id: string) {
      await run(caller, id);
      const move = { from: ['waiting'], to: 'queued', approvedBy: caller.name } as const;
      if (!(await moveRun(store, id, move)))
        throw new ColdpatchError(
          'state_conflict',
          `Expected run ${id} to wait for an approval, but it does not.`,
        );
      await audit(caller, { action: 'run.approve', object: `run ${id}`, detail: '' });
      dispatcher.wake();
      return run(caller, id);
    },

    events: (id: string, after: number) => runEvents(store, id, { after, limit: 5 }),

    watch: (id: string, listener: () => void) => dispatcher.watch(id, listener),

    async auditLog(after: number, limit: number) {
      return [...(await auditAfter(store, after, limit))];
    },

    tokens: () => listTokens(store),

    async createToken(caller: Caller, grant: TokenGrant) {
      const made = await createToken(store, grant);
      await audit(caller, {
        action: 'token.create',
        object: `token ${made.id}`,
        detail: `${grant.name}, ${grant.role}`,
      });
      return made;
    },

    async revokeToken(caller: Caller, id: string) {
      if (!(await revokeToken(store, id))) throw unknown('token', id);
      await audit(caller, { action: 'token.revoke', object: `token ${id}`, detail: '' });
    },

    async counts({ sources }: Caller) {
      return { images: await countImages(store, sources), runs: await countRuns(store, sources) };
    },

    /** @throws ColdpatchError `store_unreachable` */
    assertReady: () => assertReachable(store),
  };
}

function unknown(kind: string, id: string): ColdpatchError {
  return new ColdpatchError('object_unknown', `Expected the id of a ${kind}, but there is no ${kind} ${id}.`);
}
