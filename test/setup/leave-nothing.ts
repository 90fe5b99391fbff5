import { afterAll } from 'vitest';
import { dropTheRest } from './drop-tables.ts';

// The first hook of every file is the last to run.
afterAll(dropTheRest);
