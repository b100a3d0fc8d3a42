import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Plugin } from 'rolldown';
import { packageOf } from './chunk-names.ts';

/**
 * The package's code is CommonJS and finds its folder by `__dirname`, which an ES module does not have.
 */
export function parserIntro(chunk: { readonly name: string }): string {
  return chunk.name === 'libpg-query' ? 'const __dirname = import.meta.dirname;' : '';
}

/**
 * libpg-query opens `libpg-query.wasm` in the folder of its own code. The bundler does not see that, so the file
 * is put beside the chunk here.
 */
export function parserBinary(): Plugin {
  return {
    name: 'parser-binary',
    generateBundle(_options, bundle) {
      for (const file of Object.values(bundle)) {
        if (file.type !== 'chunk') continue;
        const loader = file.moduleIds.find((id) => packageOf(id) === 'libpg-query');
        if (loader === undefined) continue;
        const source = readFileSync(join(dirname(loader), 'libpg-query.wasm'));
        this.emitFile({ type: 'asset', fileName: 'libpg-query.wasm', source });
      }
    },
  };
}
