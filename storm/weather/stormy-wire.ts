import { NodeHttpHandler } from '@smithy/node-http-handler';
import type { Random } from '../../testing/random.ts';
import { type Handled, type HttpRequest, handled, readAnswer } from './http.ts';
import type { Deployment } from './other-deployment.ts';
import type { Roles } from './roles.ts';
import type { Weather } from './weather.ts';

/** Like the Lambdas' own, see `createDocumentClient`. */
const TIMEOUTS = { connectionTimeout: 1_000, requestTimeout: 3_000, throwOnRequestTimeout: true };

/**
 * Sends an environment's requests through the weather, as bytes: the code under test hears of it
 * through the SDK. The deployment rewrites each write in its own words.
 */
export class StormyWire extends NodeHttpHandler {
  readonly #weather: Weather;
  readonly #deployment: Deployment;
  readonly #roles: Roles;
  readonly #random: Random;

  constructor(weather: Weather, deployment: Deployment, roles: Roles, random: Random) {
    super(TIMEOUTS);
    this.#roles = roles;
    this.#weather = weather;
    this.#deployment = deployment;
    this.#random = random;
  }

  override async handle(
    request: HttpRequest,
    options?: Parameters<NodeHttpHandler['handle']>[1],
  ): Promise<Handled> {
    const operation = String(request.headers['x-amz-target']).replace(/^.*\./, '');
    const body = JSON.parse(
      typeof request.body === 'string' ? request.body : new TextDecoder().decode(request.body),
    );
    const written = this.#deployment.write(operation, body);
    this.#roles(operation, written);
    request.body = JSON.stringify(written);
    request.headers['content-length'] = String(Buffer.byteLength(request.body));
    const send = async () => {
      const answer = await readAnswer(await super.handle(request, options));
      this.#deployment.read(answer.body);
      return answer;
    };
    const items = Array.isArray(body.TransactItems) ? body.TransactItems.length : 1;
    return handled(await this.#weather.carry({ operation, items, send }, this.#random));
  }
}
