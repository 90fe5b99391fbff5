import { describe, expect, it } from 'vitest';
import { IfMatch } from '../../../functions/http/request/if-match.ts';

describe('If-Match', () => {
  it.each([
    ['"7"', { version: 7 }],
    ['"9007199254740991"', { version: Number.MAX_SAFE_INTEGER }],
    ['*', 'exists'],
    ['W/"7"', 'never'],
    ['"0"', 'never'],
    ['"07"', 'never'],
    ['"-1"', 'never'],
    ['"7.0"', 'never'],
    ['"9007199254740993"', 'never'],
    ['"seven"', 'never'],
    ['""', 'never'],
  ])('%s asks for %j', (header, precondition) => {
    expect(IfMatch.parse(header)).toEqual(precondition);
  });

  it.each(['7', '"7', '7"', "'7'", '', '"7", "8"', '"7" ', '"a b"', 'w/"7"', '**'])('%j is malformed', (header) => {
    expect(IfMatch.safeParse(header).success).toBe(false);
  });
});
