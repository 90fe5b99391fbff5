import { describe, expect, it } from 'vitest';
import { parseExactly } from '../../../functions/http/request/body/exact-json.ts';

describe('parsing JSON exactly', () => {
  it.each([
    ['12', 12],
    ['-12', -12],
    ['0', 0],
    ['12.0', 12],
    ['0.000', 0],
    ['1.2e1', 12],
    ['120e-1', 12],
    ['1E2', 100],
    ['1.5', 1.5],
    ['-0.25', -0.25],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
    ['9007199254740991.000', Number.MAX_SAFE_INTEGER],
  ])('reads %s as what it says', (literal, value) => {
    expect(parseExactly(`{"amount":${literal}}`)).toEqual({ amount: value });
  });

  it.each([
    '0.99999999999999999999',
    '9007199254740990.6',
    '1.00000000000000000001',
    '1e-400',
    '-1e-400',
  ])('reads %s, which is whole only once rounded, as no number', (literal) => {
    expect(parseExactly(`[{"amount":${literal}}]`)).toEqual([{ amount: Number.NaN }]);
  });

  it('leaves everything else as it is', () => {
    const text = '{"a":[null,true,"1.00000000000000000001","\\ud83d\\ude00"],"__proto__":{"b":1}}';
    expect(JSON.stringify(parseExactly(text))).toBe(JSON.stringify(JSON.parse(text)));
  });

  it.each([
    '{"amount":1,"amount":1}',
    '{"amount":1,"\\u0061mount":500}',
    '[{"a":{"b":1 , "c":[], "b" : 2}}]',
    '{"a":{"a":1},"b":["a"],"a":2}',
    '{"__proto__":1,"__proto__":2}',
    '{"":1,"":2}',
    '{"__proto__":{"a":1,"\\u0061":2}}',
    '{"__proto__":1,"\\u005f_proto__":2}',
    '[[[[{"a":1},{"b":{"c":1,"\\u0063":1}}]]]]',
    '{"\\ud83d\\ude00":1,"😀":2}',
    '{"a\\/b":1,"a/b":2}',
    '{"\\u00e9":1,"é":2}',
    '{"\\"":1,"\\u0022":2}',
    `{"${'x'.repeat(20_000)}":1,"a":1,"${'x'.repeat(20_000)}":2}`,
  ])('refuses a name that comes twice in one object: %s', (text) => {
    expect(() => parseExactly(text)).toThrow(SyntaxError);
  });

  it.each([
    '[{"a":1},{"a":2}]',
    '{"a":{"a":{"a":1}},"b":"a"}',
    '{"a":"\\"a\\":1,{","b":"}\\\\","c":["a","a","a:"]}',
    '{"a":[],"A":1}',
    '{"\u00e9":1,"e\u0301":2}',
    '{"a":1,"a ":2,"constructor":3}',
  ])('takes one that comes twice in different objects, or inside a text: %s', (text) => {
    expect(JSON.stringify(parseExactly(text))).toBe(text);
  });

  it.each([
    '{',
    '',
    '01',
    '"\\ud800"',
    '{"a":["\\udc00 b"]}',
    '{"\\ud800":1}',
    '[{"a":{"b\\udc00":1}}]',
  ])('refuses %s', (text) => {
    expect(() => parseExactly(text)).toThrow(SyntaxError);
  });
});
