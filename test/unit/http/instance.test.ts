import { describe, expect, it } from 'vitest';
import { instanceOf } from '../../../functions/http/answer/instance.ts';

/**
 * What RFC 3986 allows in a path: unreserved, sub-delims, `:`, `@`, `/`, and percent-encoded
 * octets.
 */
const PATH = /^\/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-F]{2})*$/;

const paths = [
  '/',
  '/accounts/a1',
  '//evil.com/x',
  '///evil.com',
  '/\\evil.com/x',
  '\\\\evil.com',
  'http://evil.com/x',
  '//user@evil.com:80/',
  '/..//evil.com',
  '/a b',
  '/%zz',
  '/%',
  '/a?b#c',
  '/größer/日本',
  '/😀',
  '/\ud800',
  '/a\r\nX: y',
  '/\t/\0',
  '/[::1]/{id}|^`"<>',
  `/${'ü'.repeat(5_000)}`,
  '',
  '*',
  'javascript:alert(1)',
];

describe('the instance of a problem', () => {
  it.each(paths)('is a path on this host for %j', (path) => {
    const instance = instanceOf(path);
    expect(instance).toMatch(PATH);
    expect(new URL(instance, 'https://here.example/accounts/a1').origin).toBe(
      'https://here.example',
    );
  });

  it.each([
    ['/accounts/a1', '/accounts/a1'],
    ["/a-b_c.d~e/!$&'()*+,;=:@", "/a-b_c.d~e/!$&'()*+,;=:@"],
    ['//evil.com/x', '/.//evil.com/x'],
    ['/a b', '/a%20b'],
    ['/%zz', '/%25zz'],
    ['/a?b#c', '/a%3Fb%23c'],
    ['/ü', '/%C3%BC'],
    ['/\ud800', '/%EF%BF%BD'],
  ])('of %s is %s', (path, instance) => {
    expect(instanceOf(path)).toBe(instance);
  });

  it.each(
    paths.filter((path) => path.startsWith('/') && path.isWellFormed() && !path.includes('..')),
  )('says %j again once it is decoded', (path) => {
    expect(decodeURIComponent(instanceOf(path)).replace(/^\/\.\/\//, '//')).toBe(path);
  });
});
