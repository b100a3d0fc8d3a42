import type { Plugin } from 'rolldown';

/** dist/ runs wherever it is copied to: without a package.json of its own, Node would guess the module type. */
export function packageMarker(): Plugin {
  return {
    name: 'package-marker',
    generateBundle() {
      this.emitFile({ type: 'asset', fileName: 'package.json', source: '{\n  "type": "module"\n}\n' });
    },
  };
}
