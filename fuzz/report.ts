import { averageOf, type Finding, type FuzzResult, megabytes } from './run.ts';
import { toCurl } from './send.ts';
import type { MemoryUse } from './watch/memory.ts';
import { toNetcat } from './wire/exchange.ts';

/** Kinds; beyond, they are counted and not shown. */
const SHOWN = 10;
const SHOWN_CHARACTERS = 1_000;

/** What was found, each with all that it takes to see it again. */
export const findingsOf = (
  findings: readonly Finding[],
  { url, seed }: { url: string; seed: number },
): string => {
  const kinds = [
    ...Map.groupBy(findings, ({ answer, wrong }) => `${answer?.status} ${wrong.join()}`).values(),
  ];
  const shown = kinds.slice(0, SHOWN).flatMap(([first, ...alike]) => {
    if (!first) return [];
    const { number, request, exchange, answer, wrong } = first;
    return [
      `\nRequest ${number} of seed ${seed}${alike.length > 0 ? `, and ${alike.length} more like it` : ''}:`,
      ...(request ? [toCurl(url, request)] : []),
      ...(exchange ? [toNetcat(url, exchange)] : []),
      ...(answer
        ? [
            `${answer.status} ${JSON.stringify(answer.headers)}`,
            answer.text.slice(0, SHOWN_CHARACTERS),
          ]
        : []),
      ...wrong.map((line) => `  !  ${line}`),
    ];
  });
  const more = kinds.length > SHOWN ? [`\n… and ${kinds.length - SHOWN} kinds more.`] : [];
  return [...shown, ...more].join('\n');
};

const memoryOf = ({ heap, environments, resident }: MemoryUse): string =>
  `${megabytes(heap)} in use, ${environments.length} environments with ${(averageOf(environments) / 2 ** 20).toFixed(1)} MB each, ${megabytes(resident)} resident`;

/** The figures of a run. */
export const figures = (result: FuzzResult): string => {
  const { findings, statuses, seen, askedAgain, held, memory } = result;
  const sorted = [...statuses].toSorted(([a], [b]) => a - b);
  const total = sorted.reduce((sum, [, count]) => sum + count, 0);
  const routes = [...seen].map(
    ([route, of]) => `${route.padEnd(48)}${[...of].toSorted((a, b) => a - b).join(' ')}`,
  );
  return [
    `${total} answers, ${findings.length} not as documented: ${sorted.map(([status, count]) => `${count} × ${status}`).join(', ')}`,
    `${askedAgain} times it was asked to send a request again, and then answered it`,
    ...(held > 0 ? [`${held} connections were held open`] : []),
    ...(memory.length > 0
      ? [`memory after the warm-up and in the end: ${memory.map(memoryOf).join('; ')}`]
      : []),
    ...routes,
  ].join('\n');
};
