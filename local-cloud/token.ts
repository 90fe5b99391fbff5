import { parseArgs } from 'node:util';
import { askToken } from './identity/ask-token.ts';
import type { WantedToken } from './identity/issuer.ts';

const usage = `npm run --silent token -- --sub NAME [options]

Prints a token for a ledger that runs on this machine (npm start), and nothing else. Send it as
Authorization: Bearer TOKEN.

  --sub NAME            whom it names: an account belongs to the NAME that opened it
  --scope SCOPES        what it may do, apart by spaces (default "ledger:read ledger:write"):
                        ledger:read     read one's own accounts and transfers
                        ledger:write    open accounts, and move money from one's own
                        ledger:deposit  pay money in from outside, to any account
                        ledger:operate  everything, on every account
  --expires-in SECONDS  how long it is good for, up to 86400 (default 3600)
  --url URL             where the ledger's API is (default http://127.0.0.1:3000)
  --help                this text`;

/** By convention: the command line was wrong. */
const WRONG_USAGE = 2;

const main = async (): Promise<void> => {
  const asked = readCommandLine();
  if (asked === 'help') return console.log(usage);
  const { url, ...wanted } = asked;
  try {
    const token = await askToken(url, wanted);
    if (token === undefined)
      throw new Error('This ledger takes no token: it was started with --open.');
    console.log(token);
  } catch (error) {
    console.error(messageOf(error));
    process.exitCode = 1;
  }
};

const readCommandLine = (): (WantedToken & { readonly url: string }) | 'help' => {
  try {
    const { values } = parseArgs({
      options: {
        sub: { type: 'string' },
        scope: { type: 'string', default: 'ledger:read ledger:write' },
        'expires-in': { type: 'string', default: '3600' },
        url: { type: 'string', default: 'http://127.0.0.1:3000' },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) return 'help';
    if (!values.sub) throw new Error('--sub is missing: whom the token names');
    const expiresIn = Number(values['expires-in']);
    if (!/^[1-9]\d*$/.test(values['expires-in']) || expiresIn > 86_400)
      throw new Error(`--expires-in is "${values['expires-in']}", not 1 to 86400 seconds`);
    if (!/^https?:$/.test(URL.parse(values.url)?.protocol ?? ''))
      throw new Error(`--url takes a URL, not "${values.url}"`);
    const { sub, scope } = values;
    return { sub, scope, expiresIn, url: values.url.replace(/\/+$/, '') };
  } catch (error) {
    console.error(`${messageOf(error)}. See npm run token -- --help`);
    process.exit(WRONG_USAGE);
  }
};

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

await main();
