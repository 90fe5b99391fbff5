import { createHash } from 'node:crypto';
import { Script } from 'node:vm';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { createHandler } from '../../../functions/queries/docs.ts';
import { docsPage } from '../../../infra/docs-page.ts';
import { eventOf, lambdaContext } from '../http/request.ts';
import { silentHttpTelemetry as telemetry } from '../runtime/recorded-telemetry.ts';

const page = docsPage();
const html = gunzipSync(Buffer.from(page.gzip, 'base64')).toString();
const handler = createHandler({ page, telemetry });
const ask = (headers: Record<string, string> = {}) =>
  handler(eventOf({ route: '/docs', headers }), lambdaContext());

describe('the page', () => {
  it.each([
    ['script-src', /<script>(.*?)<\/script>/gs],
    ['style-src', /<style>(.*?)<\/style>/gs],
  ])('holds all of %s itself, and its policy names that alone', (directive, element) => {
    const hashes = [...html.matchAll(element)].map(
      ([, text = '']) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`,
    );
    expect(hashes).toHaveLength(1);
    expect(page.contentSecurityPolicy).toContain(`${directive} ${hashes[0]};`);
  });

  it('may ask its own host alone, and everything that is not named is forbidden', () => {
    expect(page.contentSecurityPolicy).toMatch(/^default-src 'none'; /);
    expect(page.contentSecurityPolicy).toContain("; connect-src 'self'; ");
    expect(page.contentSecurityPolicy).not.toMatch(/https?:|\*|unsafe/);
  });

  it('names no file that a browser would fetch, in its elements nor in its style', () => {
    const elements = html.replaceAll(/(<script>|<style>).*?(?=<\/(?:script|style)>)/gs, '$1');
    const fetched = [
      ...elements.matchAll(/<(?:link|script|img|iframe)[^>]*(?:href|src)="([^"]*)/g),
    ];
    expect(fetched.map(([, url]) => url)).toEqual(['data:,']);
    const [, style = ''] = /<style>(.*?)<\/style>/s.exec(html) ?? [];
    const urls = [...style.matchAll(/url\(\s*["']?([^"')]{5})|@import[^;]*/g)];
    expect(urls.length).toBeGreaterThan(0);
    for (const [, start] of urls) expect(start).toBe('data:');
    expect(html).not.toContain('sourceMappingURL');
  });

  it('has a script that is one after it was written in', () => {
    const [, script = ''] = /<script>(.*?)<\/script>/s.exec(html) ?? [];
    expect(script).not.toContain('<!--');
    expect(() => new Script(script)).not.toThrow();
  });

  it('shows the document of the API that serves it', () => {
    expect(html).toContain("url: './openapi.json'");
    expect(html).toContain('validatorUrl: null');
  });
});

describe('GET /docs', () => {
  it.each(['gzip', 'br, GZIP;q=0.5', 'deflate,gzip ; q=1'])(
    'answers the page compressed to a client that takes %s',
    async (accepted) => {
      const { headers, body, isBase64Encoded } = await ask({ 'accept-encoding': accepted });
      expect(headers).toMatchObject({ 'Content-Encoding': 'gzip', Vary: 'Accept-Encoding' });
      expect(isBase64Encoded).toBe(true);
      expect(gunzipSync(Buffer.from(body, 'base64')).toString()).toBe(html);
    },
  );

  it.each(['', 'identity', 'br', 'gzip;q=0', 'gzip; q=0.00'])(
    'answers the page as it is to a client that takes "%s"',
    async (accepted) => {
      const { headers, body, isBase64Encoded } = await ask({ 'accept-encoding': accepted });
      expect(headers).not.toHaveProperty('Content-Encoding');
      expect(isBase64Encoded).toBeUndefined();
      expect(body).toBe(html);
    },
  );

  it('sends its policy, and is answered in less than the 6 MB that Lambda may', async () => {
    const answer = await ask();
    expect(answer).toMatchObject({
      statusCode: 200,
      headers: {
        'Content-Type': 'text/html; charset=utf-8',
        'Content-Security-Policy': page.contentSecurityPolicy,
        'X-Content-Type-Options': 'nosniff',
        'Referrer-Policy': 'no-referrer',
      },
    });
    expect(JSON.stringify(answer).length).toBeLessThan(6_000_000);
  });
});
