import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { amount } from './numbers.ts';
import type { Results } from './results.ts';

const file = join(import.meta.dirname, '../../docs/bench.svg');

/** The figures of the blog's scenario that the chart shows. */
const Bars = z.array(
  z.object({
    contestant: z.string(),
    workload: z.string(),
    total: z.number(),
    settled: z.number(),
    perSecond: z.number(),
  }),
);

/**
 * Draws the blog's scenario: how many transfers a second each design settles.
 * @returns the file, or `undefined` where that scenario was never run.
 */
export const writeChart = async (results: Results): Promise<string | undefined> => {
  const { blog } = results;
  if (!blog) return undefined;
  const bars = Bars.parse(blog.figures).filter(({ workload }) => SHOWN.test(workload));
  await writeFile(file, draw(bars));
  return file;
};

/** The workloads that all designs have: the others compare the keys that are sent over HTTP. */
const SHOWN = /^\d+ at \d+$/;

type Bar = z.infer<typeof Bars>[number];

const WIDTH = 860;
const LABELS = 300;
const VALUES = 150;
const ROW = 30;
const PANEL_HEAD = 56;

const draw = (bars: readonly Bar[]): string => {
  const panels = [...Map.groupBy(bars, ({ workload }) => workload)];
  let top = 8;
  const drawn = panels.map(([workload, of]) => {
    const panel = drawPanel(workload, of, top);
    top += PANEL_HEAD + of.length * ROW + 16;
    return panel;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${top}" width="${WIDTH}" height="${top}" role="img"
  font-family="-apple-system, 'Segoe UI', Helvetica, Arial, sans-serif" font-size="14">
<title>Transfers settled a second between two accounts</title>
<style>
  text { fill: #1f2328 } .quiet { fill: #59636e } .bar { fill: #8c959f } .ours { fill: #0969da }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .quiet { fill: #9198a1 } .bar { fill: #656c76 } .ours { fill: #4493f8 }
  }
</style>
${drawn.join('\n')}
</svg>
`;
};

const drawPanel = (workload: string, bars: readonly Bar[], top: number): string => {
  const most = Math.max(...bars.map(({ perSecond }) => perSecond));
  const [total, callers] = workload.split(' at ');
  const rows = bars.map((bar, n) => drawBar(bar, most, top + PANEL_HEAD + n * ROW));
  return `<text x="8" y="${top + 20}" font-size="16" font-weight="600">${total} transfers, ${callers} callers, two accounts, both directions</text>
<text x="8" y="${top + 40}" class="quiet">settled a second, and how many settled at all</text>
${rows.join('\n')}`;
};

const drawBar = (
  { contestant, perSecond, settled, total }: Bar,
  most: number,
  top: number,
): string => {
  const width = Math.max(1, ((WIDTH - LABELS - VALUES) * perSecond) / most);
  const middle = top + ROW / 2;
  const kind = OURS.test(contestant) ? 'ours' : 'bar';
  return `<text x="${LABELS - 12}" y="${middle + 5}" text-anchor="end">${escapeXml(contestant)}</text>
<rect x="${LABELS}" y="${top + 5}" width="${width.toFixed(1)}" height="${ROW - 10}" rx="3" class="${kind}"/>
<text x="${(LABELS + width + 8).toFixed(1)}" y="${middle + 5}">${amount(perSecond)} <tspan class="quiet">· ${settled} of ${total}</tspan></text>`;
};

/** The designs as Holdfast has them. */
const OURS = /^(Holdfast's store$|one environment with lanes$|whole cloud, over HTTP)/;

const escapeXml = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
