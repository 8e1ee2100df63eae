/** Pages and filters of the lists of the REST interface, on every database. */
import { basename } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { replaceFindings } from '../../src/store/findings.ts';
import { recordPass, updateImageRow } from '../../src/store/images.ts';
import { recordInspection } from '../../src/store/packages.ts';
import type { ApiUnderTest } from './api-under-test.ts';

interface Image {
  readonly id: string;
  readonly locator: string;
}

const bash = { manager: 'dpkg', name: 'bash', architecture: 'amd64' };
const finding = {
  manager: 'dpkg',
  package: 'bash',
  architecture: 'amd64',
  installed: '5.1',
  severity: 'high',
  fixed_version: '5.2',
  remedy: 'fix-published',
  exploited_since: null,
};

export function testLists(under: () => ApiUnderTest): void {
  describe('lists', () => {
    const ids = new Map<string, string>();

    // In a source that is no more, so that nobody reads them: a is older than b.
    beforeAll(async () => {
      const { idle, list, store } = under();
      const image = {
        size: 1,
        modifiedAt: '',
        format: 'qcow2',
        problem: null,
        backing: [],
        role: 'base',
      } as const;
      const base = '/shelf/base.qcow2';
      await recordPass(store, { id: 'shelf', kind: 'folder' }, [
        { ...image, locator: base },
        ...['a', 'b', 'c'].map(
          (name) => ({ ...image, locator: `/shelf/${name}.qcow2`, backing: [base], role: 'leaf' }) as const,
        ),
      ]);
      for (const { id, locator } of await list<Image>('/api/v1/images'))
        ids.set(basename(locator, '.qcow2'), id);
      for (const [name, version] of [
        ['a', '5.1'],
        ['b', '5.2'],
      ] as const) {
        const packages = [{ ...bash, version }];
        const inspection_id = await recordInspection(store, { digest: name, document: '{"n":1}', packages });
        const outdated = name === 'a' ? 2 : 0;
        await updateImageRow(store, ids.get(name) ?? '', { inspection_id, outdated, system_id: 'debian' });
      }
      const advisories = ['CVE-1-1', 'CVE-1-2', 'CVE-1-3'];
      await replaceFindings(
        store,
        ids.get('a') ?? '',
        advisories.map((advisory) => ({ ...finding, advisory })),
      );
      await idle();
    });

    test.each([
      ['', ['a', 'b', 'base', 'c', 'web']],
      ['source=lab', ['web']],
      ['source=shelf', ['a', 'b', 'base', 'c']],
      ['source=other', []],
      ['role=leaf', ['a', 'b', 'c', 'web']],
      ['role=base', ['base']],
      ['state=present', ['a', 'b', 'base', 'c', 'web']],
      ['state=gone', []],
      ['search=/b', ['b', 'base']],
      ['search=%25', []],
      ['system=debian', ['a', 'b']],
      ['outdated=true', ['a']],
      ['outdated=false', ['b']],
      ['package=bash', ['a', 'b']],
      ['package=bash&below=5.2', ['a']],
      ['package=zsh', []],
      ['advisory=CVE-1-2', ['a']],
      ['advisory=CVE-1-4', []],
      ['search=/b&role=leaf&package=bash', ['b']],
    ])('images?%s', async (query, expected) => {
      const found = await under().list<Image>(`/api/v1/images?${query}`);
      expect(found.map(({ locator }) => basename(locator, '.qcow2')).toSorted()).toEqual(expected);
    });

    test('are refused with a version that is none, or of no package', async () => {
      for (const query of ['package=bash&below=not+a+version', 'below=5.2'])
        expect(await under().ask('GET', `/api/v1/images?${query}`, { role: 'viewer' })).toMatchObject({
          status: 400,
          body: { code: 'request_invalid' },
        });
    });

    test('come in pages, in which each item is once', async () => {
      const { ask, list } = under();
      const a = ids.get('a') ?? '';
      for (const path of ['/api/v1/images?', '/api/v1/runs?', `/api/v1/images/${a}/findings?`]) {
        const whole = (await list<Image>(path)).map(({ id }) => id);
        expect(whole.length).toBeGreaterThan(2);
        const paged: string[] = [];
        for (let cursor: string | null = ''; cursor !== null; ) {
          const after: string = cursor === '' ? '' : `&cursor=${cursor}`;
          const { body } = await ask('GET', `${path}limit=2${after}`, { role: 'viewer' });
          const { items, next } = body as { readonly items: readonly Image[]; readonly next: string | null };
          expect(items.length).toBeLessThanOrEqual(2);
          paged.push(...items.map(({ id }) => id));
          cursor = next;
        }
        expect(paged).toEqual(whole);
      }
    });

    test('of runs are filtered too, and the audit log is read on from an entry', async () => {
      const { list } = under();
      const kinds = async (query: string): Promise<readonly string[]> => [
        ...new Set((await list<{ readonly kind: string }>(`/api/v1/runs?${query}`)).map(({ kind }) => kind)),
      ];
      expect(await kinds('kind=collect&state=done')).toEqual(['collect']);
      expect(await kinds(`image=${ids.get('web')}&kind=upgrade`)).toEqual(['upgrade']);
      const log = await list<{ readonly sequence: number }>('/api/v1/audit?after=1&limit=2', {
        role: 'admin',
      });
      expect(log.map(({ sequence }) => sequence)).toEqual([2, 3]);
    });

    test('lead to what is known of an image', async () => {
      const { ask } = under();
      const path = `/api/v1/images/${ids.get('b')}`;
      expect((await ask('GET', path, { role: 'viewer' })).body).toMatchObject({
        system: { id: 'debian' },
        role: 'leaf',
        backing: ['/shelf/base.qcow2'],
      });
      expect((await ask('GET', `${path}/inspection`, { role: 'viewer' })).body).toEqual({ n: 1 });
      expect((await ask('GET', `${path}/findings`, { role: 'viewer' })).body).toEqual({
        items: [],
        next: null,
      });
      expect((await ask('GET', `${path}/generations`, { role: 'viewer' })).body).toEqual({ items: [] });
    });
  });
}
