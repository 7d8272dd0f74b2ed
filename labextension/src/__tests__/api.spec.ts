import { ServerConnection } from '@jupyterlab/services';
import { nullTranslator } from '@jupyterlab/translation';

import { BatonClient, BatonError } from '../api';

const trans = nullTranslator.load('jupyter_baton');

interface IRequest {
  method: string;
  url: string;
  body: string;
}

function client(answer: () => Response): { client: BatonClient; sent: IRequest[] } {
  const sent: IRequest[] = [];
  const settings = ServerConnection.makeSettings({
    baseUrl: 'http://127.0.0.1:8888/user/scientist/',
    fetch: async input => {
      const request = input as Request;
      sent.push({
        method: request.method, // JupyterLab appends the time so that nothing comes from a cache.
        url: request.url.replace(/[?&]\d+$/, ''),
        body: await request.text()
      });
      return answer();
    }
  });
  return { client: new BatonClient(settings, trans), sent };
}

function json(status: number, body: unknown): Response {
  return new Response(JSON.stringify(body), { status });
}

async function failureOf(work: Promise<unknown>): Promise<BatonError> {
  try {
    await work;
  } catch (reason) {
    expect(reason).toBeInstanceOf(BatonError);
    return reason as BatonError;
  }
  throw new Error('It did not fail.');
}

describe('BatonClient', () => {
  it("asks below the server's own base address and escapes what it is given", async () => {
    const { client: api, sent } = client(() => json(200, { items: [] }));
    await api.artifacts('a/b', 'plots/roc curve.png');
    expect(sent[0]?.url).toBe(
      'http://127.0.0.1:8888/user/scientist/baton/runs/a%2Fb/artifacts?path=plots%2Froc%20curve.png'
    );
  });

  it('leaves a cursor out of the first page', async () => {
    const { client: api, sent } = client(() => json(200, { items: [], next_cursor: null }));
    await api.runs('1');
    await api.runs('1', 'c');
    expect(sent.map(request => new URL(request.url).search)).toEqual([
      '?experiment=1',
      '?experiment=1&cursor=c'
    ]);
  });

  it('sends what is registered as the server expects it', async () => {
    const { client: api, sent } = client(() => json(201, { name: 'm', version: '2' }));
    await expect(api.register('m', 'r', 'm-1')).resolves.toEqual({ name: 'm', version: '2' });
    expect(sent[0]?.method).toBe('POST');
    expect(JSON.parse(sent[0]?.body ?? '')).toEqual({ name: 'm', run_id: 'r', model_id: 'm-1' });
  });

  it("passes on the envelope's code and sentence", async () => {
    const error = { code: 'not_a_model', message: 'No model.', details: {}, request_id: 'q1' };
    const { client: api } = client(() => json(422, { error }));
    const failure = await failureOf(api.models());
    expect([failure.code, failure.message, failure.requestId]).toEqual([
      'not_a_model',
      'No model.',
      'q1'
    ]);
  });

  it('says what to do when the server does not know Baton', async () => {
    const { client: api } = client(() => new Response('<html>404</html>', { status: 404 }));
    const failure = await failureOf(api.status());
    expect(failure.code).toBe('no_extension');
    expect(failure.message).toContain('jupyter-baton[lab]');
  });

  it('does not show a page of HTML to anybody', async () => {
    const { client: api } = client(() => new Response('<html>oops</html>', { status: 502 }));
    const failure = await failureOf(api.status());
    expect(failure.code).toBe('http_502');
    expect(failure.message).not.toContain('<');
  });

  it('says so when there is no answer at all', async () => {
    const { client: api } = client(() => {
      throw new TypeError('Failed to fetch');
    });
    expect((await failureOf(api.status())).code).toBe('no_answer');
  });

  it('takes an empty answer to a delete', async () => {
    const { client: api } = client(() => new Response(null, { status: 204 }));
    await expect(api.dismissJob('j1')).resolves.toBeUndefined();
  });
});
