import { defineConfig } from 'rolldown';
import { chunkNames } from './scripts/bundle/chunk-names.ts';
import { leaveOut } from './scripts/bundle/left-out.ts';
import { licenses } from './scripts/bundle/licenses.ts';
import { packageMarker } from './scripts/bundle/package-marker.ts';
import { parserBinary, parserIntro } from './scripts/bundle/parser-binary.ts';

/**
 * What users run is this bundle, next to their database's credentials: so it is readable (not minified), split
 * into files with names a reviewer can place, and the same on every machine.
 */
export default defineConfig({
  input: {
    main: 'src/main.ts',
    post: 'src/post.ts',
    // A thread's own entry.
    'artifact-upload': 'src/storage/artifact/upload-worker.ts',
  },
  cwd: import.meta.dirname,
  platform: 'node',
  external: [/^node:/],
  plugins: [leaveOut(), chunkNames.guard(), parserBinary(), packageMarker(), licenses()],
  output: {
    dir: 'dist',
    cleanDir: true,
    format: 'esm',
    sourcemap: false,
    minify: false,
    intro: parserIntro,
    entryFileNames: '[name].js',
    chunkFileNames: chunkNames.fileName,
    assetFileNames: '[name][extname]',
    codeSplitting: { groups: chunkNames.groups },
  },
});
