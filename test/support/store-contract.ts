/** What the store does on every database, from the inventory to the audit log. */
import { expect, describe, test } from 'vitest';
import { answerRequestKey, takeRequestKey } from '../../src/store/answered-requests.ts';
import { addAudit, verifyAudit } from '../../src/store/audit.ts';
import { type Finding, findingsOfImage, replaceFindings } from '../../src/store/findings.ts';
import {
  type ListedImage,
  countImages,
  findImage,
  listImages,
  recordPass,
  staleImages,
  updateImageRow,
} from '../../src/store/images.ts';
import type { Store } from '../../src/store/open-store.ts';
import { imagesOfOthers, listWaitingSources } from '../../src/store/other-sources.ts';
import { findInspection, recordInspection, versionsOfPackage } from '../../src/store/packages.ts';
import { findPolicy, removePolicy, setPolicy } from '../../src/store/policies.ts';
import { addRun } from '../../src/store/runs.ts';
import { addSource, wasTriedSince } from '../../src/store/sources.ts';
import { testTokens } from './tokens-contract.ts';

/** A store of its own for each test, and its clock. */
export interface StoreUnderTest {
  readonly store: Store;
  time: Date;
}

const source = { id: 'lab', kind: 'folder' };
const bash = { manager: 'dpkg', name: 'bash', architecture: 'amd64', version: '5.2' };

function listed(name: string, more: Partial<ListedImage> = {}): ListedImage {
  return {
    locator: `/images/${name}`,
    size: 5_000_000_000,
    modifiedAt: '2026-11-20T00:00:00Z',
    format: 'qcow2',
    backing: [],
    role: 'leaf',
    problem: null,
    ...more,
  };
}

/** The same tests on every database. */
export function testStore(opened: () => StoreUnderTest): void {
  describe('a pass over a source', () => {
    test('finds what is new, changed, the same and gone', async () => {
      const { store } = opened();
      const first = await recordPass(store, source, [listed('a'), listed('b'), listed('c')]);
      expect(first).toMatchObject({ added: 3, changed: 0, gone: 0 });
      const second = await recordPass(store, source, [listed('a'), listed('b', { size: 2 }), listed('d')]);
      expect(second).toMatchObject({ added: 1, changed: 1, unchanged: 1, gone: 1 });
      expect(second.due).toHaveLength(2);
      const back = await recordPass(store, source, [
        listed('a'),
        listed('b', { size: 2 }),
        listed('c'),
        listed('d'),
      ]);
      expect(back).toMatchObject({ added: 0, changed: 1, unchanged: 3, gone: 0 });
    });

    test('a changed backing file makes every image on it due', async () => {
      const { store } = opened();
      const base = listed('base', { role: 'base' });
      const overlay = listed('o', { backing: [base.locator] });
      await recordPass(store, source, [base, overlay]);
      const { due } = await recordPass(store, source, [{ ...base, size: 9 }, overlay]);
      expect(due).toHaveLength(2);
    });

    test('listing pages, filters and hides other sources', async () => {
      const { store } = opened();
      await recordPass(store, source, [listed('a'), listed('b'), listed('c_%')]);
      const page = await listImages(store, {}, { limit: 2 });
      const rest = await listImages(store, {}, { limit: 2, after: page[1]?.id });
      expect(new Set([...page, ...rest].map(({ id }) => id)).size).toBe(3);
      expect(await listImages(store, { search: '_%' }, { limit: 9 })).toHaveLength(1);
      expect(await listImages(store, { sources: ['other'] }, { limit: 9 })).toEqual([]);
      expect(await listImages(store, { sources: [] }, { limit: 9 })).toEqual([]);
      const [row] = page;
      await updateImageRow(store, row?.id ?? '', { outdated: 4 });
      expect(await findImage(store, row?.id ?? '')).toMatchObject({ outdated: 4, revision: 2 });
      expect(await listImages(store, { outdated: true }, { limit: 9 })).toHaveLength(1);
      await updateImageRow(store, page[1]?.id ?? '', { vulnerabilities: 2, urgent: 0 });
      expect(await countImages(store)).toEqual({
        all: 3,
        inspected: 0,
        unreadable: 0,
        outdated: 1,
        vulnerable: 1,
        urgent: 0,
      });
      expect(await countImages(store, [])).toMatchObject({ all: 0, outdated: 0 });
    });

    test('what it found is due until it was compared, unless a run holds it', async () => {
      const { store } = opened();
      const { due } = await recordPass(store, source, [listed('a'), listed('b'), listed('c')]);
      const [held = '', compared = '', left = ''] = due;
      const stale = async () => (await staleImages(store, 'lab', '2026-11-21')).map(({ id }) => id);
      expect(await stale()).toEqual(due);
      await addRun(store, {
        kind: 'inspect',
        sourceId: 'lab',
        imageId: held,
        steps: ['inspect'],
        requestedBy: 'x',
      });
      await updateImageRow(store, compared, { digest: 'x', matched_at: '2026-11-22' });
      expect(await stale()).toEqual([left]);
      await store.db.updateTable('runs').set({ state: 'done' }).execute();
      expect(await stale()).toEqual([held, left]);
    });
  });

  test('a pass that failed is not due again at once, and one that was asked for is', async () => {
    const { store } = opened();
    await addSource(store, source);
    const since = '2026-11-20T00:00:00.000Z';
    expect(await wasTriedSince(store, 'lab', since)).toBe(false);
    await addRun(store, {
      kind: 'collect',
      sourceId: 'lab',
      imageId: null,
      steps: ['collect'],
      requestedBy: 'x',
    });
    const end = (state: 'failed' | 'done', ended_at: string) =>
      store.db.updateTable('runs').set({ state, ended_at }).execute();
    await end('failed', '2026-11-20T00:00:01.000Z');
    expect(await wasTriedSince(store, 'lab', since)).toBe(true);
    await end('failed', '2026-11-19T00:00:00.000Z');
    expect(await wasTriedSince(store, 'lab', since)).toBe(false);
    // Somebody made the source due after its last pass.
    await end('done', '2026-11-20T00:00:01.000Z');
    expect(await wasTriedSince(store, 'lab', since)).toBe(false);
    await recordPass(store, source, []);
    expect(await wasTriedSince(store, 'lab', since)).toBe(true);
  });

  test('images share the rows of equal packages, and are found by them', async () => {
    const { store } = opened();
    const { due } = await recordPass(store, source, [listed('a'), listed('b')]);
    const more = { ...bash, version: '5.1' };
    const ids = [
      await recordInspection(store, { digest: 'one', document: '{}', packages: [bash, bash] }),
      await recordInspection(store, { digest: 'two', document: '{}', packages: [bash, more] }),
    ];
    expect(
      await recordInspection(store, { digest: 'two', document: '{"n":1}', packages: [bash, more] }),
    ).toBe(ids[1]);
    expect(await findInspection(store, { digest: 'two' })).toEqual({ id: ids[1], document: '{}' });
    for (const [index, id] of due.entries())
      await updateImageRow(store, id, { inspection_id: ids[index] ?? 0 });
    const versions = await versionsOfPackage(store, 'bash');
    expect(versions.map(({ version }) => version).toSorted()).toEqual(['5.1', '5.2']);
    const old = versions.filter(({ version }) => version === '5.1').map(({ id }) => id);
    expect(await listImages(store, { packageIds: old }, { limit: 9 })).toHaveLength(1);
    expect(await listImages(store, { packageIds: versions.map(({ id }) => id) }, { limit: 9 })).toHaveLength(
      2,
    );
    expect(await listImages(store, { packageIds: [] }, { limit: 9 })).toEqual([]);
  });

  test('a chain that leads into another source makes a base there, and follows its changes', async () => {
    const { store } = opened();
    const golden = { id: 'golden', kind: 'folder' };
    const base = listed('base');
    const top = listed('top', { backing: ['/images/base'] });
    await recordPass(store, golden, [base]);
    const { due } = await recordPass(store, source, [top]);
    const [topId = ''] = due;
    await updateImageRow(store, topId, { digest: 'x' });
    expect((await listImages(store, { source: 'golden' }, { limit: 9 }))[0]).toMatchObject({ role: 'base' });
    const others = await imagesOfOthers(store, 'golden', ['golden', 'lab']);
    expect(others.bases).toEqual(new Set(['/images/base']));
    expect((await imagesOfOthers(store, 'golden', ['golden'])).bases.size).toBe(0);
    await recordPass(store, golden, [{ ...base, role: 'base' }]);
    expect(await findImage(store, topId)).toMatchObject({ digest: 'x' });
    await recordPass(store, golden, [{ ...base, role: 'base', size: 2 }]);
    expect(await findImage(store, topId)).toMatchObject({ digest: null });
  });

  test('a source whose images wait for one of another source is listed again when that is there', async () => {
    const { store } = opened();
    const golden = { id: 'golden', kind: 'folder' };
    const sources = ['golden', 'lab'];
    const problem = 'backing_file_undeclared: /images/base is not an image of a source';
    const waits = listed('top', { backing: ['/images/base'], problem });
    const isDue = async (): Promise<boolean> => {
      await listWaitingSources(store, sources);
      const rows = await store.db.selectFrom('sources').selectAll().where('id', '=', 'lab').execute();
      return rows[0]?.last_pass_at === null;
    };
    await recordPass(store, source, [waits, listed('lost', { backing: ['/images/none'], problem })]);
    expect(await isDue()).toBe(false);
    const broken = { ...listed('base'), problem: 'image_corrupt: it ends too early' };
    await recordPass(store, golden, [broken]);
    expect(await isDue()).toBe(false);
    await Promise.all([
      recordPass(store, golden, [listed('base')]),
      recordPass(store, source, [waits, listed('other')]),
    ]);
    expect(await isDue()).toBe(true);
    await recordPass(store, source, [{ ...waits, problem: null }]);
    expect(await isDue()).toBe(false);
  });

  test('an image that changes hands is not read again for that', async () => {
    const { store } = opened();
    await recordPass(store, source, [listed('a', { owner: 'web' })]);
    const again = await recordPass(store, source, [listed('a', { owner: 'mail' })]);
    expect(again).toMatchObject({ unchanged: 1, due: [] });
    expect((await listImages(store, {}, { limit: 1 }))[0]).toMatchObject({ owner: 'mail' });
  });

  test('images share the rows of equal findings, and are found by them', async () => {
    const { store } = opened();
    const { due } = await recordPass(store, source, [listed('a'), listed('b')]);
    const [one = '', other = ''] = due;
    const finding: Finding = {
      advisory: 'CVE-2024-6387',
      manager: 'dpkg',
      package: 'openssh-server',
      architecture: 'amd64',
      installed: '1:9.2p1-2',
      severity: 'high',
      fixed_version: '1:9.2p1-2+deb12u3',
      remedy: 'fix-published',
      exploited_since: null,
    };
    const unfixed: Finding = { ...finding, advisory: 'CVE-2023-1', fixed_version: null };
    const many = Array.from({ length: 450 }, (_, index) => ({ ...finding, advisory: `CVE-1-${index}` }));
    await replaceFindings(store, one, [finding, finding, unfixed]);
    await replaceFindings(store, other, [finding, ...many]);
    const open = async (advisory: string): Promise<readonly string[]> =>
      (await listImages(store, { advisory }, { limit: 9 })).map(({ id }) => id);
    expect((await open('CVE-2024-6387')).toSorted()).toEqual([one, other].toSorted());
    expect(await open('CVE-2023-1')).toEqual([one]);
    expect(await open('CVE-none')).toEqual([]);
    const first = await findingsOfImage(store, other, { limit: 400 });
    const rest = await findingsOfImage(store, other, { after: first.at(-1)?.id, limit: 400 });
    expect([first.length, rest.length]).toEqual([400, 51]);
    await replaceFindings(store, other, []);
    await replaceFindings(store, one, [unfixed]);
    const rows = await store.db.selectFrom('findings').select('advisory').execute();
    expect(rows).toEqual([{ advisory: 'CVE-2023-1' }]);
  });

  test('a policy is replaced only by who has seen it', async () => {
    const { store } = opened();
    const set = (document: string, expected?: number): Promise<boolean> =>
      setPolicy(store, 'lab', { document, by: 'x', ...(expected !== undefined && { expected }) });
    expect(await set('1', 1)).toBe(false);
    expect(await set('1', 0)).toBe(true);
    expect(await set('2', 0)).toBe(false);
    expect(await set('2', 1)).toBe(true);
    expect(await set('3')).toBe(true);
    expect(await findPolicy(store, 'lab')).toMatchObject({ document: '3', revision: 3 });
    // Once for the connections.
    await Promise.all(Array.from({ length: 8 }, () => findPolicy(store, 'lab')));
    const together = await Promise.all(Array.from({ length: 8 }, () => set('4', 3)));
    expect(together.filter(Boolean)).toHaveLength(1);
    expect(await findPolicy(store, 'lab')).toMatchObject({ revision: 4 });
    await removePolicy(store, 'lab');
    expect(await findPolicy(store, 'lab')).toBeUndefined();
  });

  test('a key of a request is taken once, answered for a day, and free when its server died', async () => {
    const under = opened();
    const { store } = under;
    const key = { keyHash: 'k', requestHash: 'r' };
    const at = (text: string): void => {
      under.time = new Date(text);
    };
    expect(await takeRequestKey(store, key)).toEqual({ answer: 'first' });
    expect(await takeRequestKey(store, key)).toEqual({ answer: 'under_way' });
    at('2026-11-21T00:03:00Z');
    expect(await takeRequestKey(store, key)).toEqual({ answer: 'first' });
    await answerRequestKey(store, 'k', { status: 202, body: '{}' });
    expect(await takeRequestKey(store, { ...key, requestHash: 's' })).toEqual({ answer: 'other' });
    at('2026-11-21T23:59:00Z');
    expect(await takeRequestKey(store, key)).toEqual({ answer: 'answered', status: 202, body: '{}' });
    at('2026-11-22T00:04:00Z');
    expect(await takeRequestKey(store, key)).toEqual({ answer: 'first' });
    await answerRequestKey(store, 'k', undefined);
    expect(await takeRequestKey(store, key)).toEqual({ answer: 'first' });
  });

  testTokens(opened);

  describe('the audit log', () => {
    test('verifies, also against a hash kept elsewhere', async () => {
      const { store } = opened();
      // At once, as requests come.
      await Promise.all(
        ['a', 'b', 'c'].map((object) =>
          addAudit(store, { actor: 'x\ud83d', action: 'run.start', object, detail: '\ude00' }),
        ),
      );
      const head = await verifyAudit(store);
      expect(head.entries).toBe(3);
      expect(await verifyAudit(store, head.hash)).toEqual(head);
      await expect(verifyAudit(store, 'f'.repeat(64))).rejects.toMatchObject({ code: 'audit_broken' });
      await expect(store.db.updateTable('audit').set({ actor: 'y' }).execute()).rejects.toThrow(
        'only ever added to',
      );
      await expect(store.db.deleteFrom('audit').execute()).rejects.toThrow('only ever added to');
    });
  });

  test('of runs that are wanted at the same time, one is added', async () => {
    const { store } = opened();
    const [image] = (await recordPass(store, source, [listed('a')])).due;
    const run = {
      kind: 'inspect',
      sourceId: 'lab',
      imageId: image ?? '',
      steps: ['inspect'],
      requestedBy: 'x',
    } as const;
    const answers = await Promise.all(Array.from({ length: 8 }, () => addRun(store, run)));
    expect(answers.filter(({ answer }) => answer === 'added')).toHaveLength(1);
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
  });

  test('images that are read at the same time share their packages', async () => {
    const { store } = opened();
    const packages = Array.from({ length: 450 }, (_, index) => ({ ...bash, name: `p${index}` }));
    const ids = await Promise.all(
      ['one', 'two', 'three'].map((digest, index) =>
        recordInspection(store, {
          digest,
          document: '{}',
          packages: index === 1 ? packages.toReversed() : packages,
        }),
      ),
    );
    expect(new Set(ids).size).toBe(3);
    const { all } = await store.db
      .selectFrom('packages')
      .select((select) => select.fn.countAll<number>().as('all'))
      .executeTakeFirstOrThrow();
    expect(all).toBe(450);
  });
}
