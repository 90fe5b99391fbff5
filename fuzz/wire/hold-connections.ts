// A process of its own: a process may have only so many connections, and the API has their other
// ends.
import { connect, type Socket } from 'node:net';

const [host = '', port = '', count = ''] = process.argv.slice(2);
const held = new Set<Socket>();
let [refused, why] = [0, ''];

/** Some say nothing, the others stop in the middle of a request. */
const BEGINNINGS = [
  '',
  `GET /health HTTP/1.1\r\nHost: ${host}:${port}\r\nX-A: `,
  'POST /accounts HTTP/1.1\r\n',
];
/** How many are opened at once: more would not fit in the queue of those who ask. */
const AT_ONCE = 100;

const open = (number: number): Promise<void> =>
  new Promise((resolve) => {
    const socket = connect(Number(port), host, () => {
      held.add(socket);
      socket.write(BEGINNINGS[number % BEGINNINGS.length] ?? '');
      resolve();
    });
    socket.on('error', (error) => {
      refused += 1;
      why = error.message;
      resolve();
    });
    socket.on('close', () => held.delete(socket));
    socket.resume();
  });

for (let begun = 0; begun < Number(count); begun += AT_ONCE) {
  const length = Math.min(AT_ONCE, Number(count) - begun);
  await Promise.all(Array.from({ length }, (_, index) => open(begun + index)));
  // Those who cannot have one more cannot have the others either.
  if (refused > AT_ONCE) break;
}
process.stdout.write(`${JSON.stringify({ held: held.size, why })}\n`);
// Until the parent has seen enough: it ends this process.
process.stdin.resume().on('end', () => process.exit());
