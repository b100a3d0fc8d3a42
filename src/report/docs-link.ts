import type { DocsPage } from '../system/errors.ts';

const docsUrl = 'https://github.com/applizor/safe-migrate/blob/main/docs';

/** Link to what docs/ says about an error; every code is a heading on its page. */
export function docsLink(page: DocsPage, code: string): string {
  return `${docsUrl}/${page}#${code.toLowerCase()}`;
}
