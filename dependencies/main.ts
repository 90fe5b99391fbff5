import { audit } from './audit.ts';
import { billOfMaterials } from './sbom.ts';
import { weights } from './weights.ts';

const usage = `Usage: npm run audit | npm run --silent sbom | npm run --silent weights

  audit    asks npm's registry for what is known against the packages that run in production
           0: nothing, 1: something, which is listed, 2: it could not be asked
  sbom     prints the packages that run in production, as CycloneDX
  weights  prints the bytes that each of them takes in the largest bundle that has it`;

const commands: Readonly<Record<string, () => Promise<number>>> = {
  audit: async () => {
    const { verdict, text } = await audit();
    console[verdict === 'clean' ? 'log' : 'error'](text);
    return { clean: 0, vulnerable: 1, unknown: 2 }[verdict];
  },
  sbom: async () => {
    console.log(JSON.stringify(await billOfMaterials(), undefined, 2));
    return 0;
  },
  weights: async () => {
    for (const { name, bytes } of await weights()) console.log(`${name} ${bytes}`);
    return 0;
  },
};

const [asked = '', ...rest] = process.argv.slice(2);
const command = rest.length === 0 && Object.hasOwn(commands, asked) ? commands[asked] : undefined;
if (command) process.exitCode = await command();
else {
  console.error(usage);
  process.exitCode = 1;
}
