import type { CodeSplittingGroup, Plugin, PreRenderedChunk } from 'rolldown';

/**
 * Every file of dist/ that holds other people's code, and which packages go into it. A new dependency needs an
 * entry here: a name that the bundler invents (`dist-cjs3.js`) cannot be reviewed.
 */
const packagesByChunk: Readonly<Record<string, RegExp>> = {
  zod: /^zod$/,
  undici: /^undici$/,
  // Loaded at every start to check public keys; the ciphers only where something is encrypted.
  'scure-base': /^@scure\/base$/,
  age: /^age-encryption$|^@noble\//,
  'libpg-query': /^libpg-query$|^@pgsql\//,
  'actions-core': /^@actions\/(core|exec|io|http-client)$|^tunnel$/,
  'actions-github':
    /^@actions\/github$|^@octokit\/|^(before-after-hook|bottleneck|content-type|json-with-bigint|universal-user-agent)$/,
  // What the artifact client sends blocks with.
  azure:
    /^@(azure|typespec|nodable)\/|^(fast-xml-(parser|builder)|xml-naming|anynum|strnum|path-expression-matcher|is-unsafe|ms|debug|has-flag|supports-color|agent-base|https?-proxy-agent)$/,
  'actions-artifact': /^@actions\/artifact$|^@protobuf-ts\/|^jwt-decode$/,
  'aws-sdk': /^@(aws-sdk|smithy|aws-crypto|aws)\/|^(bowser|tslib)$/,
};

/** `@scope/name` or `name` of the package a module belongs to; null for the project's own modules. */
export function packageOf(moduleId: string): string | null {
  const match = /.*[\\/]node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)/.exec(moduleId);
  return match?.[1]?.replace('\\', '/') ?? null;
}

/** A group takes along what its modules import, so the packages that others build on come first. */
const thirdPartyGroups: CodeSplittingGroup[] = Object.entries(packagesByChunk).map(
  ([name, packages], index) => ({
    name,
    priority: 100 - index,
    test: (id) => packages.test(packageOf(id) ?? ''),
  }),
);

function isOwn(id: string): boolean {
  return packageOf(id) === null && /[\\/]src[\\/]/.test(id);
}

const groups: CodeSplittingGroup[] = [
  ...thirdPartyGroups,
  // What both doors (main and post) load at once, and what only lazily loaded parts share.
  { name: 'safe-migrate', test: isOwn, tags: ['$initial'], minShareCount: 2, priority: 2 },
  { name: 'lazy-shared', test: isOwn, minShareCount: 2, priority: 1 },
];

const handGivenNames = new Set([...groups.map(({ name }) => name), 'rolldown-runtime']);

/**
 * A part of ours that is loaded on demand is named by its place (`src/storage/s3/s3.ts` is `storage-s3-s3.js`),
 * a package's own lazy part by its chunk (`aws-sdk-bowser.js`).
 */
function fileName(chunk: PreRenderedChunk): string {
  if (handGivenNames.has(chunk.name)) return `${chunk.name}.js`;
  const module = chunk.facadeModuleId ?? '';
  const owner = packageOf(module);
  if (owner !== null) {
    const [group] = Object.entries(packagesByChunk).find(([, packages]) => packages.test(owner)) ?? [owner];
    return `${group.replaceAll('/', '-')}-${chunk.name}.js`;
  }
  const place = /[\\/]src[\\/](.+)\.ts$/.exec(module)?.[1];
  return `${place === undefined ? chunk.name : place.replaceAll(/[\\/]/g, '-')}.js`;
}

/** Fails the build when a file would get a name that nobody gave it. */
function guard(): Plugin {
  return {
    name: 'chunk-names',
    generateBundle(_options, bundle) {
      for (const file of Object.values(bundle)) {
        if (file.type !== 'chunk' || file.isEntry || handGivenNames.has(file.name)) continue;
        const foreign = [...new Set(file.moduleIds.map(packageOf).filter((name) => name !== null))];
        if (foreign.length > 0) {
          this.error(
            `${file.fileName} holds ${foreign.join(', ')}: give it a chunk in scripts/bundle/chunk-names.ts`,
          );
        }
        if (!file.isDynamicEntry) {
          this.error(`${file.fileName} has a name that the bundler made up (${file.moduleIds.join(', ')})`);
        }
      }
    },
  };
}

export const chunkNames = { groups, fileName, guard };
