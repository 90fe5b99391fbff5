import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../../testing/random.ts';
import type { Tally } from '../tally.ts';
import type { Answer } from './http.ts';
import { mixReasons } from './mixed-reasons.ts';
import { type Departure, type Trouble, troubles } from './troubles.ts';

/**
 * How likely it is that a request meets trouble, and that a cancelled transaction says less than it
 * could.
 */
const CALM = { trouble: 0.03, mixed: 0.3 };
const GALE = { trouble: 0.35, mixed: 0.7 };

/** The length of a phase of the weather, in milliseconds. */
const SHORTEST_MS = 300;
const LONGEST_MS = 1_500;

/**
 * What the requests of all environments go through. Calm and gale alternate, so that something is
 * done, and something goes wrong.
 */
export interface Weather {
  /** Carries a request to DynamoDB, or not, and an answer back, or another. */
  carry(departure: Omit<Departure, 'sendLater'>, random: Random): Promise<Answer>;
  /** Ends all trouble for good. @returns once the last late request has been answered. */
  clear(): Promise<void>;
}

/**
 * Makes weather.
 * @param tally counts what befell the requests, by name.
 */
export const createWeather = (random: Random, tally: Tally): Weather => {
  const late = new Set<Promise<unknown>>();
  let isClear = false;
  let isGale = false;
  let phaseEndsAt = 0;
  const state = () => {
    const now = performance.now();
    if (now >= phaseEndsAt) {
      isGale = !isGale;
      phaseEndsAt = now + random.between(SHORTEST_MS, LONGEST_MS);
    }
    return isGale ? GALE : CALM;
  };

  const troubleFor = (operation: string, dice: Random): Trouble => {
    const possible = troubles.filter(({ befalls }) => befalls?.(operation) ?? true);
    let left = dice.next() * possible.reduce((sum, { weight }) => sum + weight, 0);
    return possible.find(({ weight }) => {
      left -= weight;
      return left < 0;
    }) as Trouble;
  };

  return {
    carry: async (departure, dice) => {
      if (isClear) return departure.send();
      const { trouble, mixed } = state();
      const { operation } = departure;
      const send = async () => {
        const answer = await departure.send();
        const less = dice.chance(mixed) ? mixReasons(answer, dice) : undefined;
        if (less) tally.add('reasons left out');
        return less ?? answer;
      };
      if (!dice.chance(trouble)) return send();
      const sendLater = (milliseconds: number) => {
        const sending = sleep(milliseconds).then(departure.send);
        const gone = sending
          .catch(() => undefined)
          .then(() => {
            late.delete(gone);
          });
        late.add(gone);
      };
      const { name, strike } = troubleFor(operation, dice);
      tally.add(name);
      return strike({ ...departure, send, sendLater }, dice);
    },
    clear: async () => {
      isClear = true;
      while (late.size > 0) await Promise.all(late);
    },
  };
};
