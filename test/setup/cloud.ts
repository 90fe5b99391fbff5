import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import type { Transfers } from '../../infra/stages.ts';
import { type LocalCloud, startLocalCloud } from '../../local-cloud/cloud.ts';
import type { Interceptor } from '../../local-cloud/endpoint.ts';
import type { RunningFunction } from '../../local-cloud/lambda/function.ts';
import { type Api, apiAt } from './api.ts';
import { dropTables } from './drop-tables.ts';
import { type WatchedLogs, watchLogs } from './logs.ts';

/** A local cloud with a database of its own, and what tests do with it. */
export interface TestCloud extends LocalCloud {
  /**
   * The API as `local` sees it, whose accounts are all that a test opens, and who may pay in too: no
   * operator, so everything that is asked goes by what it may do.
   */
  readonly api: Api;
  /** The API as somebody sees it who has these scopes. */
  as(sub: string, scope: string): Promise<Api>;
  /** That caller's token. */
  readonly showing: string;
  /** A token of an operator. */
  readonly operator: string;
  /** A function by its short name. */
  function(name: string): RunningFunction;
  /** What went wrong inside so far. */
  readonly warnings: readonly string[];
  /** What its functions log; when the cloud is stopped, no line may hold what a client sent. */
  readonly logs: WatchedLogs;
}

/**
 * Starts a local cloud on any free port, in the run's shared DynamoDB Local.
 * @param assembly in place of the one that all tests share.
 */
export const startTestCloud = async (assembly = inject('assembly')): Promise<TestCloud> => {
  const heard = listen();
  const cloud = await start(assembly, () => heard);
  dropTables(cloud.dynamodb);
  return testCloud(cloud, heard, cloud.stop);
};

/**
 * The local cloud that the files of one worker share: its functions are warm after the first of them.
 * Only for tests that neither kill nor count what is not theirs, whose accounts, transfers and
 * postings no other file has.
 */
export const joinTestCloud = async (): Promise<TestCloud> => {
  const heard = listen();
  listening = heard;
  shared ??= start(inject('assembly'), () => listening).catch((error: unknown) => {
    shared = undefined;
    throw error;
  });
  // It ends with its worker, as its database does with the engine.
  return testCloud(await shared, heard, async () => {});
};

/** What a cloud tells of itself. */
interface Heard {
  readonly warnings: string[];
  readonly logs: WatchedLogs;
}

const listen = (): Heard => ({ warnings: [], logs: watchLogs() });

let shared: Promise<LocalCloud> | undefined;
/** The file that runs now hears of the shared cloud. */
let listening = listen();

const start = (assembly: string, heard: () => Heard): Promise<LocalCloud> =>
  startLocalCloud({
    assembly,
    port: 0,
    dynamodb: {
      endpoint: inject('dynamodb').endpoint,
      accessKeyId: randomBytes(10).toString('hex'),
    },
    report: {
      step: () => {},
      log: (_, line) => heard().logs.log(line),
      warn: (line) => heard().warnings.push(line),
    },
  });

const testCloud = async (
  cloud: LocalCloud,
  { warnings, logs }: Heard,
  stop: () => Promise<void>,
): Promise<TestCloud> => {
  const tokenOf = async (sub: string, scope: string): Promise<string> => {
    const token = await cloud.token({ sub, scope });
    if (token === undefined) throw new Error('the template asks for no token');
    return token;
  };
  const token = await tokenOf('local', 'ledger:read ledger:write ledger:deposit');
  return {
    ...cloud,
    api: apiAt(cloud.url, token, logs.sent),
    as: async (sub, scope) => apiAt(cloud.url, await tokenOf(sub, scope), logs.sent),
    showing: token,
    operator: await tokenOf('operator', 'ledger:operate'),
    warnings,
    logs,
    stop: async () => {
      await stop();
      logs.check();
    },
    function: (name) => {
      const found =
        cloud.functions.get(`holdfast-dev-${name}`) ??
        cloud.functions.get(`holdfast-dev-instances-${name}`);
      if (!found) throw new Error(`there is no function ${name}`);
      return found;
    },
  };
};

/**
 * What went wrong inside and need not have. Executions whose steps meet on one account make each
 * other wait: a step that is not decided yet throws, and is tried again.
 */
export const unexpected = ({ warnings }: TestCloud, transfers: Transfers): readonly string[] =>
  warnings.filter((line) => transfers !== 'workflow' || !line.includes('UndecidedStep'));

const WRITES = new Set([
  'PutItem',
  'UpdateItem',
  'DeleteItem',
  'BatchWriteItem',
  'TransactWriteItems',
  'StartExecution',
]);

/**
 * Kills a function's workers, as a crash, around one of its writes: the first from now on that
 * names all it is to name. Others, such as those of an earlier test's transfer, pass.
 * @param name the function's short name.
 * @param names what stands in the write: ids that no other test uses, and what tells it from the
 *   other writes that name them.
 * @param when `before` it is done, or `after`, so that the function never hears of it. A write that
 *   is refused is none.
 */
export const killAroundWrite = (
  cloud: TestCloud,
  name: string,
  names: readonly string[],
  when: 'before' | 'after',
): Kill => {
  let done = false;
  const target = cloud.function(name);
  const interceptor: Interceptor = async (call, forward) => {
    const isMeant = call.functionName === target.name && WRITES.has(call.operation);
    if (done || !isMeant || !names.every((text) => call.body.includes(text))) return forward();
    if (when === 'after') {
      const answer = await forward();
      if (answer.status !== 200) return answer;
    }
    done = true;
    await target.kill();
    throw new Error('killed');
  };
  return { done: () => done, disarm: cloud.intercept(interceptor) };
};

/** A function's workers that are to be killed. */
export interface Kill {
  /** Whether it has happened. */
  readonly done: () => boolean;
  readonly disarm: () => void;
}
