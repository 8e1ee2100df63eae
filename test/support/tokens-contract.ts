/** Who may come in, on every database. */
import { expect, describe, test } from 'vitest';
import {
  createToken,
  findCaller,
  hasAdmin,
  isTokenValid,
  listTokens,
  revokeToken,
} from '../../src/store/tokens.ts';
import type { StoreUnderTest } from './store-contract.ts';

export function testTokens(opened: () => StoreUnderTest): void {
  describe('tokens', () => {
    test('of admins count while they are neither revoked nor expired', async () => {
      const under = opened();
      const { store } = under;
      const expiresAt = '2026-11-22T00:00:00.000Z';
      await createToken(store, { name: 'ci', role: 'operator' });
      expect(await hasAdmin(store)).toBe(false);
      await createToken(store, { name: 'admin', role: 'admin', expiresAt });
      expect(await hasAdmin(store)).toBe(true);
      under.time = new Date(expiresAt);
      expect(await hasAdmin(store)).toBe(false);
      const { id } = await createToken(store, { name: 'admin', role: 'admin' });
      expect(await hasAdmin(store)).toBe(true);
      await revokeToken(store, id);
      expect(await hasAdmin(store)).toBe(false);
    });

    test('are kept as a hash, expire, and can be revoked', async () => {
      const under = opened();
      const { store } = under;
      const { token, id } = await createToken(store, {
        name: 'ci',
        role: 'operator',
        sources: ['lab'],
        expiresAt: '2026-11-22T00:00:00.000Z',
      });
      expect(JSON.stringify(await store.db.selectFrom('tokens').selectAll().execute())).not.toContain(
        token.split('.')[2],
      );
      expect(JSON.stringify(await listTokens(store))).not.toContain('hash');
      expect(await findCaller(store, token)).toMatchObject({
        name: 'ci',
        role: 'operator',
        sources: ['lab'],
      });
      expect(
        await findCaller(store, `${token.slice(0, -1)}${token.endsWith('A') ? 'Q' : 'A'}`),
      ).toBeUndefined();
      under.time = new Date('2026-11-23T00:00:00Z');
      expect(await findCaller(store, token)).toBeUndefined();
      under.time = new Date('2026-11-21T00:00:00Z');
      expect(await isTokenValid(store, id)).toBe(true);
      expect(await revokeToken(store, id)).toBe(true);
      const [revoked] = await listTokens(store);
      under.time = new Date('2026-11-21T00:00:01Z');
      expect(await revokeToken(store, id)).toBe(true);
      expect((await listTokens(store))[0]).toEqual(revoked);
      expect(await revokeToken(store, 'none')).toBe(false);
      expect(await isTokenValid(store, id)).toBe(false);
      expect(await findCaller(store, token)).toBeUndefined();
    });
  });
}
