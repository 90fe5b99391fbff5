import { SingleBar } from 'cli-progress';

/** Tells the user how far long work is. */
export interface Progress {
  /** Says that work begins that takes this many steps. */
  start(scenario: string, steps: number): void;
  /** Says that a step begins. */
  step(what: string): void;
  /** Says that the work is over, well or not. */
  end(): void;
}

/**
 * A bar on a terminal, a line per step elsewhere: a log is no place for bars.
 * @param stream where it goes; not the standard output, which is for the results.
 */
export const showProgress = (stream: NodeJS.WriteStream): Progress =>
  stream.isTTY ? bar(stream) : lines(stream);

const bar = (stream: NodeJS.WriteStream): Progress => {
  let shown: SingleBar | undefined;
  let done = 0;
  return {
    start: (scenario, steps) => {
      const format = `${scenario.padEnd(10)} {bar} {value}/{total} {duration_formatted}  {what}`;
      shown = new SingleBar({
        format,
        stream,
        barsize: 24,
        clearOnComplete: true,
        hideCursor: true,
      });
      done = 0;
      shown.start(steps, 0, { what: 'getting ready' });
    },
    step: (what) => {
      shown?.update(done, { what });
      done += 1;
    },
    end: () => {
      shown?.stop();
      shown = undefined;
    },
  };
};

const lines = (stream: NodeJS.WriteStream): Progress => {
  let [name, total, done] = ['', 0, 0];
  return {
    start: (scenario, steps) => {
      [name, total, done] = [scenario, steps, 0];
    },
    step: (what) => {
      done += 1;
      stream.write(`${name} ${done}/${total}: ${what}\n`);
    },
    end: () => {},
  };
};
