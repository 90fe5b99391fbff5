import { describe, expect, it } from 'vitest';
import { parseCommandLine } from '../../../rebuild/command-line.ts';

const defaults = {
  target: { url: 'http://127.0.0.1:3000' },
  accounts: undefined,
  diff: false,
  segments: 4,
  state: '.holdfast/rebuild.json',
  anew: false,
};

describe('npm run rebuild', () => {
  it.each([
    ['', {}],
    ['--url http://127.0.0.1:3107', { target: { url: 'http://127.0.0.1:3107' } }],
    ['--stage prod --segments 16', { target: { stage: 'prod' }, segments: 16 }],
    ['--accounts a,b,a --diff', { accounts: ['a', 'b'], diff: true }],
    ['--anew --state here.json', { anew: true, state: 'here.json' }],
  ])('takes "%s"', (line, expected) => {
    expect(parseCommandLine(line.split(' ').filter(Boolean))).toEqual({ ...defaults, ...expected });
  });

  it('helps', () => expect(parseCommandLine(['--help'])).toBe('help'));

  it.each([
    ['--url nowhere', '--url takes a URL, not "nowhere"'],
    ['--url http://a --stage dev', '--url and --stage are two places'],
    ['--stage Prod!', '--stage takes a name, not "Prod!"'],
    ['--accounts a,,b', '--accounts: "" is no account\'s id'],
    [`--accounts ${Array.from({ length: 101 }, (_, n) => n).join()}`, 'takes 100 at most, not 101'],
    ['--segments 0', '--segments takes a number from 1 to 64, not "0"'],
    ['--segments many', '--segments takes a number from 1 to 64, not "many"'],
    ['--prune', "Unknown option '--prune'"],
  ])('does not take "%s"', (line, message) => {
    expect(() => parseCommandLine(line.split(' '))).toThrow(message);
  });
});
