import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface IssueComment {
  readonly id: number;
  body: string;
  readonly user: { readonly type: 'Bot' | 'User'; readonly login: string };
}

/** GitHub's REST API on loopback, as far as comments on one pull request go. */
export interface GitHubApi extends AsyncDisposable {
  /** For GITHUB_API_URL. */
  readonly url: string;
  readonly comments: IssueComment[];
  /** `GET /repos/…` and so on, in the order in which they came. */
  readonly requests: string[];
  /** Every write is answered with 403, as for a token that may only read. */
  isReadOnly: boolean;
  /** Whose personal token comes; null: a workflow's, which is a bot's. */
  person: string | null;
}

export async function startGitHubApi(): Promise<GitHubApi> {
  const comments: IssueComment[] = [];
  const requests: string[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body =
      chunks.length === 0 ? {} : (JSON.parse(Buffer.concat(chunks).toString()) as { body?: string });
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    requests.push(`${request.method} ${url.pathname}`);
    const answer = (status: number, value: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    };
    const isWrite = request.method !== 'GET';
    if (request.headers.authorization === undefined)
      return answer(401, { message: 'Requires authentication' });
    if (isWrite && api.isReadOnly) return answer(403, { message: 'Resource not accessible by integration' });
    // GitHub's own limit and words.
    if (isWrite && (body.body ?? '').length > 65_536) {
      return answer(422, {
        message: 'Validation Failed',
        errors: ['body is too long (maximum is 65536 characters)'],
      });
    }
    if (url.pathname === '/user') {
      return api.person === null
        ? answer(403, { message: 'Resource not accessible by integration' })
        : answer(200, { login: api.person });
    }
    if (/\/issues\/\d+\/comments$/.test(url.pathname)) {
      if (isWrite) {
        const comment: IssueComment = {
          id: comments.length + 1,
          body: body.body ?? '',
          user:
            api.person === null
              ? { type: 'Bot', login: 'github-actions[bot]' }
              : { type: 'User', login: api.person },
        };
        comments.push(comment);
        return answer(201, comment);
      }
      const page = Number(url.searchParams.get('page') ?? 1);
      const perPage = Number(url.searchParams.get('per_page') ?? 30);
      if (comments.length > page * perPage) {
        response.setHeader(
          'link',
          `<${api.url}${url.pathname}?per_page=${perPage}&page=${page + 1}>; rel="next"`,
        );
      }
      return answer(200, comments.slice((page - 1) * perPage, page * perPage));
    }
    const id = /\/issues\/comments\/(\d+)$/.exec(url.pathname)?.[1];
    const comment = comments.find((each) => each.id === Number(id));
    if (comment === undefined) return answer(404, { message: 'Not Found' });
    comment.body = body.body ?? comment.body;
    return answer(200, comment);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const api: GitHubApi = {
    url: `http://127.0.0.1:${port}`,
    comments,
    requests,
    isReadOnly: false,
    person: null,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return api;
}
