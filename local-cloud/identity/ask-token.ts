import * as z from 'zod/mini';
import type { WantedToken } from './issuer.ts';

/** In milliseconds. */
const ANSWER_WITHIN_MS = 10_000;

const answerShape = z.object({
  access_token: z.optional(z.string()),
  message: z.optional(z.string()),
});

/**
 * Asks a local ledger that runs for a token.
 * @param url of its API, without a slash at its end.
 * @returns the token; `undefined` where the ledger takes none.
 * @throws {Error} that says what stands in the way, for whoever typed the address.
 */
export const askToken = async (url: string, wanted: WantedToken): Promise<string | undefined> => {
  const response = await fetch(`${url}/_local/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'sec-local': 'yes' },
    body: JSON.stringify(wanted),
    signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
  }).catch((error: unknown) => {
    throw new Error(
      `No ledger answers at ${url}. Start one with npm start, or say where it is with --url.`,
      { cause: error },
    );
  });
  const { access_token: token, message } = read(await response.text());
  if (response.status === 200 && token !== undefined) return token;
  if (response.status === 409) return undefined;
  throw new Error(
    message ?? `What answers at ${url} is not a ledger started with npm start, which gives tokens.`,
  );
};

const read = (text: string): z.infer<typeof answerShape> => {
  try {
    return answerShape.parse(JSON.parse(text));
  } catch {
    return {};
  }
};
