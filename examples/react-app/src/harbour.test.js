import { expect, test } from 'vitest';

import { byBerth } from './harbour.js';

test('ships are listed by berth', () => {
  const names = byBerth([{ name: 'b', berth: 2 }, { name: 'a', berth: 1 }]).map((s) => s.name);
  expect(names).toEqual(['a', 'b']);
});
