import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { openApiDocument } from './document.ts';

const target = fileURLToPath(new URL('../functions/queries/openapi.json', import.meta.url));
writeFileSync(target, JSON.stringify(openApiDocument()));
