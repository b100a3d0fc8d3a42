import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** `db execute` and `migrate diff` give no datamodel, and the engine takes its connector from one. */
const anyDatamodel = ['schema.prisma', 'datasource db {\n  provider = "postgresql"\n}\n'];

/**
 * Starts the engine. The package's own entry imports the `.wasm` as a module, which Node does not do without a
 * flag; so it is compiled here and given to the package's bindings.
 */
export async function loadEngine(datamodels, adapterFactory) {
  // The bindings report a panic of the engine here; without it the process dies of a TypeError.
  globalThis.PRISMA_WASM_PANIC_REGISTRY = {
    set_message(message) {
      process.stderr.write(`${JSON.stringify({ level: 'ERROR', fields: { message, is_panic: true } })}\n`);
      process.exit(101);
    },
  };
  const bindingsPath = createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm/schema_engine_bg');
  const bindings = await import(pathToFileURL(bindingsPath).href);
  const bytes = await readFile(join(dirname(bindingsPath), 'schema_engine_bg.wasm'));
  const { instance } = await WebAssembly.instantiate(bytes, { './schema_engine_bg.js': bindings });
  bindings.__wbg_set_wasm(instance.exports);
  instance.exports.__wbindgen_start();
  return bindings.SchemaEngine.new(
    { datamodels: datamodels.length === 0 ? [anyDatamodel] : datamodels },
    () => {},
    adapterFactory,
  );
}
