/**
 * The `instance` of a problem (RFC 9457, 3.1.5): the path of the request, as a URI reference that
 * stays on this host whatever the client has put into it.
 * @param rawPath as API Gateway hands it over: decoded, in spite of its name.
 * @returns a path in the characters of RFC 3986, from the root. One that began with two slashes
 *   would name another host, so it begins with `/.`, which means the same path here.
 */
export const instanceOf = (rawPath: string): string => {
  const encoded = encodeURI(rawPath.toWellFormed()).replace(/[?#]/g, encodeURIComponent);
  const path = encoded.startsWith('/') ? encoded : `/${encoded}`;
  return path.startsWith('//') ? `/.${path}` : path;
};
