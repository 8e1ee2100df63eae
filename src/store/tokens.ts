import { createHash, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import type { Store } from './open-store.ts';
import type { Role, TokenRow } from './tables.ts';

/** What a token may do. Without `sources` it may see all of them. */
export interface TokenGrant {
  readonly name: string;
  readonly role: Role;
  readonly sources?: readonly string[] | undefined;
  readonly expiresAt?: string | undefined;
}

/** Who asks. */
export interface Caller {
  readonly tokenId: string;
  readonly name: string;
  readonly role: Role;
  readonly sources: readonly string[] | undefined;
}

/** Makes a token. Its text is given this once; only its hash is kept. */
export async function createToken(
  { db, now }: Store,
  grant: TokenGrant,
): Promise<{ readonly id: string; readonly token: string }> {
  const id = randomUUID();
  const secret = randomBytes(32).toString('base64url');
  await db
    .insertInto('tokens')
    .values({
      id,
      name: grant.name,
      secret_hash: hashOf(secret).toString('hex'),
      role: grant.role,
      sources: grant.sources === undefined ? null : JSON.stringify(grant.sources),
      created_at: now().toISOString(),
      expires_at: grant.expiresAt ?? null,
      revoked_at: null,
    })
    .execute();
  return { id, token: `coldpatch.${id}.${secret}` };
}

/** Whose token it is; undefined when it is wrong, expired or revoked. */
export async function findCaller({ db, now }: Store, text: string): Promise<Caller | undefined> {
  const [, id, secret] = /^coldpatch\.([0-9a-f-]{36})\.([A-Za-z0-9_-]{43})$/.exec(text) ?? [];
  if (id === undefined || secret === undefined) return undefined;
  const row = await db.selectFrom('tokens').selectAll().where('id', '=', id).executeTakeFirst();
  if (row === undefined || row.revoked_at !== null) return undefined;
  if (!timingSafeEqual(Buffer.from(row.secret_hash, 'hex'), hashOf(secret))) return undefined;
  if (isExpired(row, now())) return undefined;
  return { tokenId: row.id, name: row.name, role: row.role, sources: sourcesOf(row) };
}

/** Whether the token of this id is neither revoked nor expired. */
export async function isTokenValid({ db, now }: Store, id: string): Promise<boolean> {
  const row = await db
    .selectFrom('tokens')
    .select(['revoked_at', 'expires_at'])
    .where('id', '=', id)
    .executeTakeFirst();
  return row !== undefined && row.revoked_at === null && !isExpired(row, now());
}

/** All tokens, without what would let one use them. */
export async function listTokens({ db }: Store): Promise<readonly Omit<TokenRow, 'secret_hash'>[]> {
  return db
    .selectFrom('tokens')
    .select(['id', 'name', 'role', 'sources', 'created_at', 'expires_at', 'revoked_at'])
    .orderBy('created_at')
    .orderBy('id')
    .execute();
}

/** Whether somebody has a token of an admin that is neither revoked nor expired. */
export async function hasAdmin({ db, now }: Store): Promise<boolean> {
  const found = await db
    .selectFrom('tokens')
    .select('id')
    .where('role', '=', 'admin')
    .where('revoked_at', 'is', null)
    .where((where) =>
      where.or([where('expires_at', 'is', null), where('expires_at', '>', now().toISOString())]),
    )
    .limit(1)
    .executeTakeFirst();
  return found !== undefined;
}

/** False when there is no such token. One that was revoked before stays revoked as of then. */
export async function revokeToken({ db, now }: Store, id: string): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('tokens')
    .set(({ fn, ref, val }) => ({ revoked_at: fn.coalesce(ref('revoked_at'), val(now().toISOString())) }))
    .where('id', '=', id)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

function isExpired({ expires_at }: Pick<TokenRow, 'expires_at'>, now: Date): boolean {
  return expires_at !== null && expires_at <= now.toISOString();
}

function sourcesOf({ sources }: TokenRow): readonly string[] | undefined {
  return sources === null ? undefined : (JSON.parse(sources) as readonly string[]);
}

/** The secret has 256 random bits, so that a slow hash would protect nothing. */
function hashOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
