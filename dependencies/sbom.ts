import * as z from 'zod/mini';
import { npm } from './npm.ts';

const Bill = z.looseObject({
  bomFormat: z.literal('CycloneDX'),
  metadata: z.looseObject({
    component: z.looseObject({ 'bom-ref': z.string(), name: z.string() }),
  }),
  components: z.array(
    z.looseObject({
      'bom-ref': z.string(),
      name: z.string(),
      version: z.string(),
      scope: z.string(),
      properties: z.array(z.object({ name: z.string(), value: z.string() })),
    }),
  ),
  dependencies: z.array(z.looseObject({ ref: z.string(), dependsOn: z.array(z.string()) })),
});
export type Bill = z.infer<typeof Bill>;

/**
 * Lists the packages that run in production, as CycloneDX: those that `npm sbom` lists and that are
 * there for something else than development. Its own `--omit dev` (npm 11.19) leaves out whatever a
 * tool needs as well, such as zod.
 *
 * The same packages give the same list, byte by byte. What differs from run to run, or from machine
 * to machine, is left out: the random serial number and the time, both optional in CycloneDX; and
 * the ledger has its own name, where npm writes that of the directory.
 * @throws {Error} with npm's own words where it makes none, e.g. where nothing is installed.
 */
export const billOfMaterials = async (): Promise<Bill> => {
  const { stdout, stderr } = await npm([
    ...['sbom', '--sbom-format', 'cyclonedx', '--sbom-type', 'application'],
  ]);
  if (!stdout.startsWith('{')) throw new Error(`npm sbom made no list: ${stderr}`);
  const { serialNumber: _, ...bill } = Bill.parse(JSON.parse(stdout));
  const { timestamp: __, component, ...metadata } = bill.metadata;
  const [name = component.name] = component['bom-ref'].split('@');
  const components = bill.components.filter(runsInProduction);
  const listed = new Set([component['bom-ref'], ...components.map((one) => one['bom-ref'])]);
  return {
    ...bill,
    metadata: { ...metadata, component: { ...component, name } },
    components,
    dependencies: bill.dependencies
      .filter(({ ref }) => listed.has(ref))
      .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((it) => listed.has(it)) })),
  };
};

/**
 * Node.js itself comes as an optional package, another for each kind of machine: Lambda brings its
 * own.
 */
const runsInProduction = ({ scope, properties }: Bill['components'][number]): boolean =>
  scope === 'required' &&
  !properties.some(({ name, value }) => name === 'cdx:npm:package:development' && value === 'true');
