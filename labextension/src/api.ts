import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { Comment, ErrorBody, Handoff, Trace } from './contract';
import type {
  AccessTarget,
  Autolog,
  IAccess,
  IAccessChange,
  IArtifact,
  IExperiment,
  IHandoverDraft,
  IJob,
  IRegisteredModel,
  IRun,
  IRunSummary,
  IServer,
  ISettings,
  IStatus,
  ITeam,
  IUnsent,
  TraceTarget
} from './records';

/** An answer that is not what was asked for; `message` is meant for a person. */
export class BatonError extends Error {
  /**
   * @param code - Stable, programs decide by it: the contract's code, `no_answer` when the server
   * can't be reached, `no_extension` when it doesn't know Baton, else `http_STATUS`.
   */
  constructor(
    readonly code: string,
    message: string,
    readonly requestId: string | null = null
  ) {
    super(message);
    this.name = 'BatonError';
  }
}

export interface IRunPage {
  items: IRunSummary[];
  next_cursor: string | null;
}

/** The endpoints that the server extension offers under `baton/`. Every method throws BatonError. */
export interface IBatonClient {
  status(): Promise<IStatus>;
  /** This server and what is left; null where no Hub tells. */
  server(): Promise<IServer | null>;
  /** Count this moment as use of the server, so that it is not stopped. */
  keep(): Promise<void>;
  experiments(): Promise<IExperiment[]>;
  /** One page of an experiment's runs, newest first. */
  runs(experiment: string, cursor?: string): Promise<IRunPage>;
  run(id: string): Promise<IRun>;
  /** What is directly in a folder of the run's artifacts; `''` is the top. */
  artifacts(run: string, path: string): Promise<IArtifact[]>;
  /** The way back from a run or a model version, every digest checked now. */
  trace(target: TraceTarget): Promise<Trace>;
  /** Put a run's notebook, as it was, into the home; the path of it. */
  takeSnapshot(run: string): Promise<string>;
  /** Who may see and change an experiment or registered model, as it is now. */
  access(target: AccessTarget): Promise<IAccess>;
  changeAccess(target: AccessTarget, access: IAccessChange): Promise<IAccess>;
  /** What waits on this machine for MLflow; null on a server that keeps nothing. */
  unsent(): Promise<IUnsent | null>;
  /** Try to send it now. */
  sendUnsent(): Promise<void>;
  /** What notebooks log by themselves; null on a server that can't be set so. */
  settings(notebook: string | null): Promise<ISettings | null>;
  /** Set it for one notebook (null: it does as all do), or, without one, for all. */
  changeAutolog(notebook: string | null, autolog: Autolog | null): Promise<void>;
  /** Log the notebook as it is on disk to the run. */
  logNotebook(run: string, path: string): Promise<void>;
  models(): Promise<IRegisteredModel[]>;
  /** Make a model of a run a new version of the registered model `name`, creating that if needed. */
  register(name: string, run: string, model: string): Promise<{ name: string; version: string }>;
  teams(): Promise<ITeam[]>;
  handoffs(): Promise<Handoff[]>;
  handoff(id: string): Promise<Handoff>;
  /** Start handing over; the job goes on in the server. */
  handOver(draft: IHandoverDraft): Promise<IJob>;
  comment(handoff: string, body: string): Promise<Comment>;
  withdraw(handoff: string): Promise<void>;
  reoffer(handoff: string): Promise<void>;
  jobs(): Promise<IJob[]>;
  dismissJob(id: string): Promise<void>;
  /** The path of the example notebook, which is put into the home when it isn't there yet. */
  example(): Promise<string>;
}

/** IBatonClient over the Jupyter server's own connection settings. */
export class BatonClient implements IBatonClient {
  constructor(
    private readonly _settings: ServerConnection.ISettings,
    private readonly _trans: TranslationBundle
  ) {}

  status(): Promise<IStatus> {
    return this._get('status');
  }

  server(): Promise<IServer | null> {
    return this._get('server');
  }

  async keep(): Promise<void> {
    await this._post('server/keep', {});
  }

  experiments(): Promise<IExperiment[]> {
    return this._items('experiments');
  }

  runs(experiment: string, cursor?: string): Promise<IRunPage> {
    return this._get(`runs${query({ experiment, cursor })}`);
  }

  run(id: string): Promise<IRun> {
    return this._get(`runs/${segment(id)}`);
  }

  artifacts(run: string, path: string): Promise<IArtifact[]> {
    return this._items(`runs/${segment(run)}/artifacts${query({ path })}`);
  }

  trace(target: TraceTarget): Promise<Trace> {
    return this._get(`trace${query({ ...target })}`);
  }

  async takeSnapshot(run: string): Promise<string> {
    const answer = await this._post<{ path: string }>('trace/notebook', { run });
    return answer.path;
  }

  access(target: AccessTarget): Promise<IAccess> {
    return this._get(accessPath(target));
  }

  changeAccess(target: AccessTarget, access: IAccessChange): Promise<IAccess> {
    return this._put(accessPath(target), access);
  }

  unsent(): Promise<IUnsent | null> {
    return orNull(this._get('unsent'));
  }

  async sendUnsent(): Promise<void> {
    await this._post('unsent/send', {});
  }

  settings(notebook: string | null): Promise<ISettings | null> {
    return orNull(this._get(`settings${query({ notebook: notebook ?? undefined })}`));
  }

  async changeAutolog(notebook: string | null, autolog: Autolog | null): Promise<void> {
    await this._put('settings', notebook === null ? { autolog } : { notebook, autolog });
  }

  async logNotebook(run: string, path: string): Promise<void> {
    await this._post(`runs/${segment(run)}/notebook`, { path });
  }

  models(): Promise<IRegisteredModel[]> {
    return this._items('models');
  }

  register(name: string, run: string, model: string): Promise<{ name: string; version: string }> {
    return this._post('models', { name, run_id: run, model_id: model });
  }

  teams(): Promise<ITeam[]> {
    return this._items('teams');
  }

  handoffs(): Promise<Handoff[]> {
    return this._items('handoffs');
  }

  handoff(id: string): Promise<Handoff> {
    return this._get(`handoffs/${segment(id)}`);
  }

  handOver(draft: IHandoverDraft): Promise<IJob> {
    return this._post('handoffs', draft);
  }

  comment(handoff: string, body: string): Promise<Comment> {
    return this._post(`handoffs/${segment(handoff)}/comments`, { body });
  }

  async withdraw(handoff: string): Promise<void> {
    await this._post(`handoffs/${segment(handoff)}/withdraw`, {});
  }

  async reoffer(handoff: string): Promise<void> {
    await this._post(`handoffs/${segment(handoff)}/reoffer`, {});
  }

  jobs(): Promise<IJob[]> {
    return this._items('jobs');
  }

  async dismissJob(id: string): Promise<void> {
    await this._request(`jobs/${segment(id)}`, { method: 'DELETE' });
  }

  async example(): Promise<string> {
    const answer = await this._post<{ path: string }>('example', {});
    return answer.path;
  }

  private async _items<T>(path: string): Promise<T[]> {
    const answer = await this._get<{ items: T[] }>(path);
    return answer.items;
  }

  private _get<T>(path: string): Promise<T> {
    return this._request(path, { method: 'GET' }) as Promise<T>;
  }

  private _post<T>(path: string, body: unknown): Promise<T> {
    return this._request(path, { method: 'POST', body: JSON.stringify(body) }) as Promise<T>;
  }

  private _put<T>(path: string, body: unknown): Promise<T> {
    return this._request(path, { method: 'PUT', body: JSON.stringify(body) }) as Promise<T>;
  }

  private async _request(path: string, init: RequestInit): Promise<unknown> {
    const url = URLExt.join(this._settings.baseUrl, 'baton') + '/' + path;
    let response: Response;
    try {
      response = await ServerConnection.makeRequest(url, init, this._settings);
    } catch {
      throw new BatonError(
        'no_answer',
        this._trans.__(
          'The Jupyter server does not answer. What was recorded is safe; try again when the connection is back.'
        )
      );
    }
    const body = parseJson(await response.text());
    if (!response.ok) {
      throw parseError(response.status, body, this._trans);
    }
    return body;
  }
}

/** What an older server extension does not have is null, and no failure. */
async function orNull<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked;
  } catch (reason) {
    if (reason instanceof BatonError && ABSENT.includes(reason.code)) {
      return null;
    }
    throw reason;
  }
}

const ABSENT = ['no_extension', 'not_found', 'http_404', 'http_405'];

/** The error that an answer's body describes, whatever the body is. */
export function parseError(status: number, body: unknown, trans: TranslationBundle): BatonError {
  if (isEnvelope(body)) {
    const { code, message, request_id } = body.error;
    return new BatonError(code, message, request_id ?? null);
  }
  if (status === 404) {
    return new BatonError(
      'no_extension',
      trans.__(
        'This Jupyter server does not know Baton. Install jupyter-baton[lab] beside the server and restart it.'
      )
    );
  }
  return new BatonError(
    `http_${status}`,
    trans.__(
      'The Jupyter server answered with an error (%1). Nothing was changed; try again.',
      status
    )
  );
}

function isEnvelope(body: unknown): body is { error: Partial<ErrorBody> & Envelope } {
  const error = (body as { error?: Partial<ErrorBody> } | null)?.error;
  return typeof error?.code === 'string' && typeof error.message === 'string';
}

type Envelope = Pick<ErrorBody, 'code' | 'message'>;

function parseJson(text: string): unknown {
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}

function accessPath(target: AccessTarget): string {
  return 'model' in target
    ? `models/${segment(target.model)}/access`
    : `experiments/${segment(target.experiment)}/access`;
}

function segment(text: string): string {
  return encodeURIComponent(text);
}

function query(values: Record<string, string | undefined>): string {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  return entries.length ? URLExt.objectToQueryString(Object.fromEntries(entries)) : '';
}
