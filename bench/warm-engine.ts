import { holdfastStore } from './contestants/holdfast-store.ts';
import { type Engine, withColdEngine } from './engine.ts';
import { drive } from './load/drive.ts';
import { bothWays } from './load/workload.ts';

/**
 * Starts a fresh engine, warms it up, and ends it afterwards, whatever happens.
 * @param use the work with it.
 */
export const withEngine = <Result>(use: (engine: Engine) => Promise<Result>): Promise<Result> =>
  withColdEngine(async (engine) => {
    await warmUp(engine);
    return use(engine);
  });

/**
 * The engine's first thousands of operations are several times slower than the rest, and the JVM
 * goes on compiling for tens of thousands. The JVM compiles best what it has seen, so the engine
 * carries out transfers until it hardly gets any faster.
 */
const warmUp = async (engine: Engine): Promise<void> => {
  const until = performance.now() + WARM_UP_MS;
  while (performance.now() < until) {
    const workload = bothWays(800, 100);
    const store = await holdfastStore().open(engine, [workload]);
    await drive(store, workload, { limit: WARM_UP_MS });
    await store.close();
  }
};

/** Some 40,000 requests: see docs/benchmarks.md. */
const WARM_UP_MS = 45_000;
