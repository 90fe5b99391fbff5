import { describe, expect, it } from 'vitest';
import { IfMatch } from '../../../functions/http/request/if-match.ts';

describe('If-Match', () => {
  it.each([
    ['"7"', [7]],
    ['"9007199254740991"', [Number.MAX_SAFE_INTEGER]],
    ['*', 'exists'],
    ['"7", "8"', [7, 8]],
    ['"7","7"', [7, 7]],
    ['W/"6"\t, "7" ,"a,b"', [7]],
    ['"a,b", W/"7"', []],
    ['W/"7"', []],
    ['"0"', []],
    ['"07"', []],
    ['"-1"', []],
    ['"7.0"', []],
    ['"9007199254740993"', []],
    ['"seven"', []],
    ['""', []],
  ])('%s asks for %j', (header, precondition) => {
    expect(IfMatch.parse(header)).toEqual(precondition);
  });

  it.each([
    '7',
    '"7',
    '7"',
    "'7'",
    '',
    '"7", *',
    '*, *',
    '"7",',
    ',"7"',
    '"7" "8"',
    '"7" ',
    '"a b"',
    'w/"7"',
    '**',
  ])('%j is malformed', (header) => {
    expect(IfMatch.safeParse(header).success).toBe(false);
  });
});
