import { expect, test } from 'vitest';
import { chooseExpired } from './choose-expired.ts';

const now = new Date('2026-01-31T00:00:00Z');
const generations = [1, 5, 7, 8].map((number) => ({
  number,
  since: `2026-01-${String(number * 3).padStart(2, '0')}T00:00:00Z`,
  bytes: 100,
}));

test.each([
  [{}, []],
  [{ keep: 2 }, [1, 5]],
  [{ keep: 9 }, []],
  [{ keep: 0 }, [1, 5, 7]],
  [{ maxAgeDays: 15 }, [1, 5]],
  [{ maxAgeDays: 0 }, [1, 5, 7]],
  [{ maxBytes: 300 }, [1]],
  [{ maxBytes: 0 }, [1, 5, 7]],
  [{ keep: 3, maxAgeDays: 15 }, [1, 5]],
])('%j lets %j go', (retention, expired) => {
  expect(chooseExpired(generations, retention, now)).toEqual(expired);
});
