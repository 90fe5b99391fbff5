/**
 * The header by which a request shows its token.
 * @param token absent: the API takes none.
 */
export const bearer = (token: string | undefined): Record<string, string> =>
  token === undefined ? {} : { authorization: `Bearer ${token}` };
