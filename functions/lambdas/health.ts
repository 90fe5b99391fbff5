import { createHandler } from '../queries/health.ts';

export const handler = createHandler();
