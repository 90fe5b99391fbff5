import { registerHooks } from 'node:module';
import type { Fault } from './faults.ts';

/**
 * The source of a file with a fault put back.
 * @param file from the root of the repository.
 * @throws {Error} where a patch does not match exactly once: the code was changed, and the fault
 *   must be described anew.
 */
export const withFault = (fault: Fault, file: string, source: string): string =>
  fault.patches
    .filter((patch) => patch.file === file)
    .reduce((text, { find, replace }) => {
      const places = text.split(find).length - 1;
      if (places !== 1) {
        throw new Error(
          `the fault ${fault.name} is put back in one place of ${file}; its text is there ${places} times`,
        );
      }
      return text.replace(find, () => replace);
    }, source);

/**
 * Puts a fault back into all code that is loaded from now on: the code itself knows nothing of it.
 */
export const putBack = (fault: Fault): void => {
  const root = new URL('..', import.meta.url).href;
  const files = new Set(fault.patches.map(({ file }) => file));
  registerHooks({
    load: (url, context, nextLoad) => {
      const loaded = nextLoad(url, context);
      const file = url.startsWith(root) ? url.slice(root.length) : '';
      if (!files.has(file)) return loaded;
      const { source } = loaded;
      const text =
        typeof source === 'string' ? source : Buffer.from(source as Uint8Array).toString('utf8');
      return { ...loaded, source: withFault(fault, file, text) };
    },
  });
};
