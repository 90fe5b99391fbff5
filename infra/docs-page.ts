import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { gzipSync } from 'node:zlib';

/** The page of `GET /docs`, as its function reads it from the file beside its bundle. */
interface DocsPage {
  /** What a browser may load for it: the page itself, and this API's own answers. */
  readonly contentSecurityPolicy: string;
  /** The HTML, compressed with gzip, as base64. */
  readonly gzip: string;
}

const { resolve } = createRequire(import.meta.url);

/** A file of the viewer, without the comment that would have a browser ask for its source map. */
const viewerFile = (name: string): string =>
  readFileSync(resolve(`swagger-ui-dist/${name}`), 'utf8').replace(
    /\n?(?:\/\/|\/\*)# sourceMappingURL=.*$/m,
    '',
  );

// `validatorUrl`: by default the viewer shows a badge that another host makes.
const start = `
SwaggerUIBundle({
  url: './openapi.json',
  dom_id: '#docs',
  validatorUrl: null,
  deepLinking: true,
  displayRequestDuration: true,
});
`;

/**
 * Makes the page: Swagger UI with its script and its style written into it, so that nothing is
 * fetched but `/openapi.json`. Its content security policy names both by their hashes, and allows
 * requests to this API alone.
 * @throws {Error} where the viewer's script would end the element that it stands in.
 */
export const docsPage = (): DocsPage => {
  // In a page these characters would change how the end of the script is found. The viewer has them
  // in texts and patterns, where the escape means the same.
  const script = viewerFile('swagger-ui-bundle.js').replaceAll('<!--', '\\x3C!--') + start;
  const style = viewerFile('swagger-ui.css');
  if (/<\/script/i.test(script) || /<\/style/i.test(style))
    throw new Error('swagger-ui-dist has a file that cannot be written into a page');
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Holdfast: the API</title>
<link rel="icon" href="data:,">
<style>${style}</style>
</head>
<body>
<div id="docs"></div>
<noscript>This page needs JavaScript. <a href="./openapi.json">The document itself</a> does not.</noscript>
<script>${script}</script>
</body>
</html>
`;
  return {
    contentSecurityPolicy: [
      "default-src 'none'",
      `script-src ${hashOf(script)}`,
      `style-src ${hashOf(style)}`,
      'img-src data:',
      "connect-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ].join('; '),
    gzip: gzipSync(html, { level: 9 }).toString('base64'),
  };
};

/** How a content security policy names what stands in the page. */
const hashOf = (text: string): string =>
  `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
