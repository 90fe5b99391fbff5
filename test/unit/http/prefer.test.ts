import { describe, expect, it } from 'vitest';
import { Prefer } from '../../../functions/http/request/prefer.ts';

describe('Prefer', () => {
  it.each([
    ['wait=5', 5],
    ['wait=0', 0],
    ['wait=10', 10],
    ['Wait=5', 5],
    ['wait="5"', 5],
    ['wait = 5', 5],
    ['wait=5; foo=bar', 5],
    ['respond-async, wait=5', 5],
    ['wait=5, wait=7', 5],
    ['foo="a, wait=9", wait=3', 3],
    ['foo="a\\", wait=9", wait=3', 3],
  ])('%s waits for %i seconds', (header, wait) => {
    expect(Prefer.parse(header)).toEqual({ wait });
  });

  it.each([
    'respond-async',
    'return=minimal',
    'waiting=5',
    'foo=wait; wait=5',
    'foo="wait=5"',
    '',
    ',',
  ])('%j asks for nothing that is known here', (header) => {
    expect(Prefer.parse(header)).toEqual({});
  });

  it.each([
    'wait',
    'wait=',
    'wait=11',
    'wait=100',
    'wait=-1',
    'wait=1.5',
    'wait=soon',
    'wait=0x5',
    'wait=""',
  ])('%s is malformed or too long', (header) => {
    expect(Prefer.safeParse(header).success).toBe(false);
  });
});
