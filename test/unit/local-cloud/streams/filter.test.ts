import { describe, expect, it } from 'vitest';
import { compileFilters } from '../../../../local-cloud/streams/filter.ts';
import cases from './filter-cases.json' with { type: 'json' };
import { records } from './records.ts';

it.each(cases)('$rule', ({ patterns, matches, not }) => {
  const filter = compileFilters(patterns.map((pattern) => JSON.stringify(pattern)));

  const delivered = Object.entries(records).filter(([, event]) => filter({ event }));
  expect(delivered.map(([name]) => name).sort()).toEqual([...matches].sort());
  expect([...matches, ...not].sort()).toEqual(Object.keys(records).sort());
});

describe('a filter is refused', () => {
  it.each([
    ['for what is no JSON', 'dynamodb'],
    ['for a value without a list around it', '{"eventName":"INSERT"}'],
    ['for an empty list', '{"eventName":[]}'],
    [
      'for an operator that is not supported, by its name',
      '{"eventName":[{"wildcard":"I*"}]}',
      'wildcard',
    ],
    ['for two operators in one rule', '{"eventName":[{"prefix":"I","suffix":"T"}]}'],
    ['for an operand of the wrong type', '{"eventName":[{"prefix":1}]}', 'prefix does not take 1'],
    [
      'for anything-but of an operator',
      '{"eventName":[{"anything-but":{"prefix":"I"}}]}',
      'anything-but',
    ],
    ['for half a range', '{"a":[{"numeric":[">"]}]}', 'numeric'],
    ['for an unknown sign', '{"a":[{"numeric":["~",1]}]}', 'numeric'],
    ['for alternatives that are no list', '{"$or":{"a":[1]}}', '$or'],
    ['for a list as a rule', '{"a":[["x"]]}'],
  ])('%s', (_, pattern, named = pattern) => {
    expect(() => compileFilters([pattern])).toThrow(named);
  });
});
