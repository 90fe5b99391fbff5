import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import * as z from 'zod/mini';

const Report = z.object({ held: z.int(), why: z.string() });

/** Connections that are held open. */
export interface HeldConnections {
  readonly held: number;
  /** Why there are fewer than were asked for; empty where there are not. */
  readonly why: string;
  release(): Promise<void>;
}

/**
 * Opens connections and leaves them: some say nothing, the others stop in the middle of a request.
 * @param url of an API over plain HTTP.
 */
export const holdConnections = async (url: string, count: number): Promise<HeldConnections> => {
  const { hostname, port } = new URL(url);
  const script = fileURLToPath(new URL('hold-connections.ts', import.meta.url));
  const child = spawn(process.execPath, [script, hostname, port || '80', String(count)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const [line] = await Promise.race([
    once(createInterface(child.stdout), 'line'),
    exited.then(([code]) => {
      throw new Error(`what holds the connections ended with ${code}`);
    }),
  ]);
  return {
    ...Report.parse(JSON.parse(line)),
    release: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
};
