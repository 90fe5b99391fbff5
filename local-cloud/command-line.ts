import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import {
  type Compute,
  computes,
  defaultStage,
  parseCompute,
  parseStage,
  parseTransfers,
  type StageName,
  type Transfers,
  transfersSettings,
} from '../infra/stages.ts';
import { defaultWorkers } from './cloud.ts';

/** The options of `npm start`. */
export interface CommandLine {
  readonly port: number;
  readonly dataDirectory?: string | undefined;
  readonly stage: StageName;
  /** Replaces the stage's own. */
  readonly compute?: Compute | undefined;
  /** Replaces the stage's own. */
  readonly transfers?: Transfers | undefined;
  readonly workers?: number | undefined;
  /** Whether it runs without tokens. */
  readonly open: boolean;
  readonly verbose: boolean;
  readonly help: boolean;
}

export const usage = `Runs Holdfast on this machine: the synthesized template against DynamoDB Local.

  npm start -- [options]

  --port NUMBER      port of the HTTP API (default 3000; 0: any free one)
  --data DIRECTORY   keep tables, stream positions and executions there between runs (default: in memory)
  --stage NAME       stage of the template (default ${defaultStage})
  --compute KIND     ${computes.join(' or ')}: how the functions behind the API run (default: as the stage is set)
  --transfers WAY    ${transfersSettings.slice(0, -1).join(', ')} or ${transfersSettings.at(-1)}: how transfers are carried out (default: as the stage is set)
  --workers NUMBER   how many environments of one function there are, at most (default ${defaultWorkers})
  --open             ask for no token: everybody is "local" and may do everything
  --verbose          print what the functions log
  --help             this text
`;

/**
 * Reads the arguments.
 *
 * @param args without `node` and the script.
 * @throws an error whose message says which option is wrong.
 */
export const parseCommandLine = (args: readonly string[]): CommandLine => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      port: { type: 'string', default: '3000' },
      data: { type: 'string' },
      stage: { type: 'string', default: defaultStage },
      compute: { type: 'string' },
      transfers: { type: 'string' },
      workers: { type: 'string' },
      open: { type: 'boolean', default: false },
      verbose: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  return {
    port: toInteger('--port', values.port, 0, 65_535),
    dataDirectory: values.data === undefined ? undefined : resolve(nonEmpty('--data', values.data)),
    stage: parseStage(values.stage),
    compute: values.compute === undefined ? undefined : parseCompute(values.compute),
    transfers: values.transfers === undefined ? undefined : parseTransfers(values.transfers),
    workers:
      values.workers === undefined ? undefined : toInteger('--workers', values.workers, 1, 1_000),
    open: values.open,
    verbose: values.verbose,
    help: values.help,
  };
};

const toInteger = (option: string, text: string, from: number, to: number): number => {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= from && value <= to) return value;
  throw new Error(`${option} needs a whole number from ${from} to ${to}, not "${text}"`);
};

const nonEmpty = (option: string, text: string): string => {
  if (text === '') throw new Error(`${option} needs a value`);
  return text;
};
