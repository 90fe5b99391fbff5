import * as z from 'zod/mini';
import type { Issuer } from './issuer.ts';

/** What `POST /_local/token` answers. */
export interface TokenAnswer {
  readonly status: number;
  readonly body: object;
}

/** The longest that a token is good for, in seconds: 24 hours, as at Cognito. */
const LONGEST_SECONDS = 86_400;

const wantedShape = z.strictObject({
  sub: z.string().check(z.minLength(1), z.maxLength(128)),
  scope: z.string(),
  expiresIn: z.optional(z.int().check(z.gte(1), z.lte(LONGEST_SECONDS))),
});

/**
 * Gives out a token.
 * @param issuer absent: the template asks for no token.
 * @param order what was sent, as JSON.
 */
export const giveToken = async (
  issuer: Issuer | undefined,
  order: unknown,
): Promise<TokenAnswer> => {
  if (!issuer) return told(409, 'This ledger takes no token: it was started with --open');
  const wanted = wantedShape.safeParse(order);
  if (!wanted.success) {
    return told(
      400,
      `Needs {"sub": NAME of 1 to 128 characters, "scope": "SCOPE SCOPE", "expiresIn": 1 to ${LONGEST_SECONDS} seconds}`,
    );
  }
  try {
    const token = await issuer.token(wanted.data);
    return { status: 200, body: { access_token: token, token_type: 'Bearer' } };
  } catch (error) {
    return told(400, error instanceof Error ? error.message : String(error));
  }
};

const told = (status: number, message: string): TokenAnswer => ({ status, body: { message } });
