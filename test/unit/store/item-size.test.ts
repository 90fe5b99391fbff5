import { describe, expect, it } from 'vitest';
import { itemSize } from '../../../functions/store/stream/item-size.ts';

describe('the size of an item, by the rule of AWS,', () => {
  it.each<[string, object, number]>([
    ['nothing', {}, 0],
    ['a name and a text', { name: 'text' }, 4 + 4],
    ['both in UTF-8', { größe: '€' }, 7 + 3],
    ['nothing of what is undefined', { name: undefined }, 0],
    ['a byte for two digits of a number, and one more', { n: 1_234 }, 1 + 2 + 1],
    ['an odd digit as two', { n: 12_345 }, 1 + 3 + 1],
    ['one byte of a truth', { n: true }, 1 + 1],
    ['one byte of a null', { n: null }, 1 + 1],
    ['three bytes of a list', { n: [] }, 1 + 3],
    ['one more for each of its elements', { n: ['ab', 'c'] }, 1 + 3 + (1 + 2) + (1 + 1)],
    ['three bytes of a map', { n: {} }, 1 + 3],
    [
      'one more for each of its members',
      { n: { a: 'b', c: 'de' } },
      1 + 3 + (1 + 1 + 1) + (1 + 1 + 2),
    ],
  ])('counts %s', (_, item, size) => expect(itemSize(item)).toBe(size));
});
