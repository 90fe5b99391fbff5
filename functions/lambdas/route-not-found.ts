import { createHandler } from '../queries/route-not-found.ts';

export const handler = createHandler();
