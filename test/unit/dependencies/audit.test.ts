import { expect, it } from 'vitest';
import { readAudit } from '../../../dependencies/audit.ts';

const report = (vulnerabilities: Record<string, unknown>) => ({
  stdout: JSON.stringify({
    auditReportVersion: 2,
    vulnerabilities,
    metadata: {
      vulnerabilities: { total: Object.keys(vulnerabilities).length },
      dependencies: { prod: 39, dev: 500 },
    },
  }),
  stderr: '',
});

it('packages against which nothing is known are clean', () => {
  expect(readAudit(report({}))).toEqual({
    verdict: 'clean',
    text: 'Nothing is known against the 39 production packages.',
  });
});

it('a package against which something is known is named, with what it is', () => {
  const via = [{ title: 'It reads too much', url: 'https://example.org/advisory' }, 'another'];
  const { verdict, text } = readAudit(report({ left: { severity: 'high', range: '<2', via } }));
  expect(verdict).toBe('vulnerable');
  expect(text).toContain('left <2: high\n    It reads too much: https://example.org/advisory');
});

it.each([
  ['an error', '{"message":"405 Method Not Allowed","error":{"summary":""}}', '', '405 Method'],
  ['nothing', '', 'npm error code EAI_AGAIN\nnpm error more', 'EAI_AGAIN'],
  ['half a report', '{"vulnerabilities":{}', '', 'npm printed no report'],
  ['a report without its numbers', '{"vulnerabilities":{}}', '', 'npm printed no report'],
])('%s in place of a report is said to be unknown, never clean', (_, stdout, stderr, why) => {
  const { verdict, text } = readAudit({ stdout, stderr });
  expect(verdict).toBe('unknown');
  expect(text).toMatch(/^NOT CHECKED: /);
  expect(text).toContain(why);
});
