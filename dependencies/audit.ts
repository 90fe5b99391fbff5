import * as z from 'zod/mini';
import { type NpmRun, npm } from './npm.ts';

/** What is known against the packages that run in production. */
export interface Audited {
  /** `unknown`: nobody could be asked, and nothing may be concluded. */
  readonly verdict: 'clean' | 'vulnerable' | 'unknown';
  /** The same for people. */
  readonly text: string;
}

/** Asks npm's registry. */
export const audit = async (): Promise<Audited> =>
  readAudit(await npm(['audit', '--omit=dev', '--json']));

const Report = z.object({
  vulnerabilities: z.record(
    z.string(),
    z.object({ severity: z.string(), range: z.string(), via: z.array(z.unknown()) }),
  ),
  metadata: z.object({
    dependencies: z.object({ prod: z.number() }),
    vulnerabilities: z.object({ total: z.number() }),
  }),
});

/** What npm prints where it could not ask. */
const Refusal = z.object({ message: z.string() });

const Advisory = z.object({ title: z.string(), url: z.string() });

/**
 * Reads what `npm audit --json` printed. Only a whole report is one: an error, half an answer and
 * silence all mean that nobody was asked.
 */
export const readAudit = ({ stdout, stderr }: NpmRun): Audited => {
  const { success, data } = Report.safeParse(asJson(stdout));
  if (!success) {
    const said = Refusal.safeParse(asJson(stdout)).data?.message;
    const why = said ?? /npm error (?:code )?(.+)/.exec(stderr)?.[1] ?? 'npm printed no report';
    return {
      verdict: 'unknown',
      text: `NOT CHECKED: the registry could not be asked about vulnerabilities (${why}). Run npm run audit where it can.`,
    };
  }
  const { vulnerabilities, metadata } = data;
  const { prod } = metadata.dependencies;
  if (metadata.vulnerabilities.total === 0)
    return { verdict: 'clean', text: `Nothing is known against the ${prod} production packages.` };
  const lines = Object.entries(vulnerabilities).map(([name, { severity, range, via }]) => {
    const advisories = via.flatMap((one) => {
      const advisory = Advisory.safeParse(one);
      return advisory.success ? [`\n    ${advisory.data.title}: ${advisory.data.url}`] : [];
    });
    return `  ${name} ${range}: ${severity}${advisories.join('')}`;
  });
  return {
    verdict: 'vulnerable',
    text: `Something is known against production packages:\n${lines.join('\n')}`,
  };
};

const asJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
