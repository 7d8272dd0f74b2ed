import type { IBatonClient, IRunPage } from '../api';
import type { Comment, Event, EventType, Handoff, Trace, TraceStep } from '../contract';
import type {
  AccessTarget,
  Autolog,
  IAccess,
  IAccessChange,
  IArtifact,
  IExperiment,
  IHandoverDraft,
  IJob,
  IModelVersion,
  IPush,
  IRegisteredModel,
  IRun,
  IRunSummary,
  IServer,
  ISettings,
  IStatus,
  ITeam,
  IUnsent,
  TraceTarget
} from '../records';

const TITLE = 'Scikit-learn';

export const T0 = Date.parse('2026-01-02T03:04:05.000Z');

export function runSummary(id: string, more: Partial<IRunSummary> = {}): IRunSummary {
  return {
    run_id: id,
    experiment_id: '1',
    name: `run ${id}`,
    status: 'FINISHED',
    user: 'scientist',
    start_time: T0 + Number(id) * 1000,
    end_time: T0 + Number(id) * 1000 + 4200,
    metrics: { accuracy: 0.98245 },
    notebook: 'train.ipynb',
    model_count: 1,
    ...more
  };
}

export function experiment(
  id: string,
  name: string,
  at: number,
  access: Partial<IAccess> = {}
): IExperiment {
  return {
    id,
    name,
    last_update_time: at,
    access: { owner: 'scientist', read: null, write: null, ...access }
  };
}

export function registered(
  name: string,
  versions: IModelVersion[] = [],
  access: Partial<IAccess> = {}
): IRegisteredModel {
  return {
    name,
    description: '',
    access: { owner: 'scientist', read: null, write: null, ...access },
    versions
  };
}

export const DIGEST = 'ab'.repeat(32);

export function step(kind: TraceStep['kind'], more: Partial<TraceStep> = {}): TraceStep {
  return {
    kind,
    state: 'recorded',
    value: null,
    digest: null,
    uri: null,
    size: null,
    note: '',
    ...more
  };
}

/** The way back from the scientist's run 2. */
export function trace(more: Partial<Trace> = {}): Trace {
  return {
    schema: 'urn:baton:trace:1',
    version: null,
    run: {
      id: '2',
      name: 'run 2',
      experiment_id: '1',
      author: 'scientist',
      status: 'FINISHED',
      deleted: false,
      started_at: '2026-01-02T03:04:05.000Z',
      ended_at: '2026-01-02T03:04:09.000Z',
      ui: 'http://127.0.0.1/services/mlflow/#/experiments/1/runs/2'
    },
    steps: [
      step('run', { value: 'run 2' }),
      step('cell', { value: 'c7', note: 'Its execution count was 7.' }),
      step('notebook', {
        state: 'verified',
        value: 'demos/train.ipynb',
        digest: DIGEST,
        size: 1536
      }),
      step('image', { state: 'missing', note: 'No image was recorded.' })
    ],
    verdict: 'incomplete',
    ...more
  };
}

export function unsent(runs: number, more: Partial<IUnsent> = {}): IUnsent {
  return {
    runs,
    entries: runs * 10,
    bytes: runs * 100,
    oldest: T0,
    problem: null,
    sending: false,
    ...more
  };
}

export function handoff(id: string, more: Partial<Handoff> = {}): Handoff {
  const at = '2026-01-02T03:04:05.000Z';
  return {
    id,
    state: 'offered',
    team: 'app-developers',
    sender: 'scientist',
    note: 'Please try it in staging first.',
    packet_digest: '9f'.repeat(32),
    model: { name: 'breast-cancer', version: '1' },
    created_at: at,
    updated_at: at,
    offered_at: at,
    expires_at: null,
    decided_at: null,
    decided_by: null,
    reason: null,
    supersedes: null,
    comment_count: 0,
    latest_deployment: null,
    checks: [],
    thread: [],
    deployments: [],
    missing_files: [],
    actions: ['withdraw', 'comment'],
    ...more
  };
}

export function event(id: string, type: EventType, data: Partial<Event['data']> = {}): Event {
  return {
    specversion: '1.0',
    id,
    source: '/services/desk',
    type,
    subject: 'h1',
    time: '2026-01-02T03:04:05.000Z',
    datacontenttype: 'application/json',
    dataschema: 'urn:baton:event:1',
    data: {
      handoff: 'h1',
      state: 'offered',
      team: 'app-developers',
      sender: 'scientist',
      model: 'breast-cancer',
      version: '1',
      packet_digest: null,
      actor: 'developer',
      text: null,
      environment: null,
      status: null,
      ...data
    }
  };
}

export function push(kind: IPush['kind'], more: Partial<IPush> = {}): IPush {
  return {
    kind,
    occurred_at: '2026-01-02T03:04:05.000Z',
    experiment_id: null,
    run_id: null,
    event: null,
    job: null,
    server: null,
    ...more
  };
}

export function job(id: string, more: Partial<IJob> = {}): IJob {
  return {
    id,
    state: 'running',
    step: 'Uploading',
    progress: 0.5,
    model: 'breast-cancer',
    version: '1',
    team: 'app-developers',
    handoff: null,
    error: null,
    ...more
  };
}

export function status(
  mlflow: IStatus['services']['mlflow']['state'] = 'up',
  desk: IStatus['services']['desk']['state'] = 'up'
): IStatus {
  return {
    user: 'scientist',
    profile: 'scikit-learn',
    size: 'small',
    services: {
      mlflow: { state: mlflow, message: null, ui: 'http://127.0.0.1/services/mlflow/' },
      desk: { state: desk, message: null, ui: 'http://127.0.0.1/services/desk/' }
    }
  };
}

/** How the scientist stands, with nothing special about it. */
export function standing(more: Partial<IServer> = {}): IServer {
  return {
    user: 'scientist',
    server: {
      id: 's1',
      name: '',
      profile: 'scikit-learn',
      title: TITLE,
      size: 'small',
      size_title: 'Small',
      resources: ['1 CPU', '2 GB'],
      started: '2026-01-02T03:04:05.000Z',
      connections: []
    },
    notices: [],
    left: [],
    idle: { limit: 3600 },
    stops_at: null,
    ...more
  };
}

/** A server in memory: what is asked is counted, and every answer can be set or made to fail. */
export class FakeClient implements IBatonClient {
  readonly asked: string[] = [];
  failure: Error | null = null;
  statusNow = status();
  serverNow: IServer | null = null;
  accessNow: IAccess = { owner: 'scientist', read: 'everybody', write: ['data-science'] };
  experimentsNow: IExperiment[] = [experiment('1', 'breast-cancer', T0)];
  traceNow: Trace = trace();
  unsentNow: IUnsent | null = null;
  settingsNow: ISettings | null = null;
  runsNow: IRunSummary[] = [runSummary('2'), runSummary('1')];
  olderRuns: IRunSummary[] = [];
  modelsNow: IRegisteredModel[] = [];
  handoffsNow: Handoff[] = [handoff('h1')];
  jobsNow: IJob[] = [];
  teamsNow: ITeam[] = [{ name: 'app-developers', member: false }];

  count(what: string): number {
    return this.asked.filter(asked => asked === what).length;
  }

  status(): Promise<IStatus> {
    return this._answer('status', this.statusNow);
  }

  server(): Promise<IServer | null> {
    return this._answer('server', this.serverNow);
  }

  keep(): Promise<void> {
    return this._answer('keep', undefined);
  }

  experiments(): Promise<IExperiment[]> {
    return this._answer('experiments', this.experimentsNow);
  }

  runs(experiment: string, cursor?: string): Promise<IRunPage> {
    const isFirst = cursor === undefined;
    return this._answer(`runs ${experiment}${isFirst ? '' : ' more'}`, {
      items: isFirst ? this.runsNow : this.olderRuns,
      next_cursor: isFirst && this.olderRuns.length ? 'c' : null
    });
  }

  run(id: string): Promise<IRun> {
    return this._answer(`run ${id}`, {
      ...runSummary(id),
      params: { C: '1.0' },
      tags: {},
      models: [
        {
          model_id: 'm-1',
          name: 'classifier',
          artifact_path: 'classifier',
          flavors: ['sklearn'],
          is_ready: true,
          registered: []
        }
      ],
      ui: null
    });
  }

  artifacts(_run: string, path: string): Promise<IArtifact[]> {
    return this._answer(`artifacts ${path}`, [
      { path: path ? `${path}/roc.png` : 'figures', size: path ? 2048 : null, is_dir: !path }
    ]);
  }

  trace(target: TraceTarget): Promise<Trace> {
    return this._answer(`trace ${Object.values(target).join('/')}`, this.traceNow);
  }

  takeSnapshot(run: string): Promise<string> {
    return this._answer(`takeSnapshot ${run}`, 'snapshots/train-abababab.ipynb');
  }

  access(target: AccessTarget): Promise<IAccess> {
    return this._answer(`access ${Object.values(target).join('')}`, this.accessNow);
  }

  changeAccess(target: AccessTarget, access: IAccessChange): Promise<IAccess> {
    const what = `changeAccess ${Object.values(target).join('')} ${JSON.stringify(access)}`;
    return this._answer(what, { owner: 'scientist', ...access });
  }

  unsent(): Promise<IUnsent | null> {
    return this._answer('unsent', this.unsentNow);
  }

  sendUnsent(): Promise<void> {
    return this._answer('sendUnsent', undefined);
  }

  settings(notebook: string | null): Promise<ISettings | null> {
    return this._answer(`settings ${notebook ?? ''}`.trim(), this.settingsNow);
  }

  changeAutolog(notebook: string | null, autolog: Autolog | null): Promise<void> {
    return this._answer(`changeAutolog ${notebook ?? 'all'} ${String(autolog)}`, undefined);
  }

  logNotebook(): Promise<void> {
    return this._answer('logNotebook', undefined);
  }

  models(): Promise<IRegisteredModel[]> {
    return this._answer('models', this.modelsNow);
  }

  register(name: string): Promise<{ name: string; version: string }> {
    return this._answer('register', { name, version: '1' });
  }

  teams(): Promise<ITeam[]> {
    return this._answer('teams', this.teamsNow);
  }

  handoffs(): Promise<Handoff[]> {
    return this._answer('handoffs', this.handoffsNow);
  }

  handoff(id: string): Promise<Handoff> {
    return this._answer(`handoff ${id}`, handoff(id));
  }

  handOver(draft: IHandoverDraft): Promise<IJob> {
    return this._answer('handOver', job('j1', { model: draft.model, version: draft.version }));
  }

  comment(_handoff: string, body: string): Promise<Comment> {
    const created_at = '2026-01-02T03:04:05.000Z';
    return this._answer('comment', { id: '1', author: 'scientist', body, created_at });
  }

  withdraw(): Promise<void> {
    return this._answer('withdraw', undefined);
  }

  reoffer(): Promise<void> {
    return this._answer('reoffer', undefined);
  }

  jobs(): Promise<IJob[]> {
    return this._answer('jobs', this.jobsNow);
  }

  dismissJob(): Promise<void> {
    return this._answer('dismissJob', undefined);
  }

  example(): Promise<string> {
    return this._answer('example', 'examples/train.ipynb');
  }

  private _answer<T>(what: string, value: T): Promise<T> {
    this.asked.push(what);
    return this.failure ? Promise.reject(this.failure) : Promise.resolve(value);
  }
}

/** Let everything that waits only for promises happen. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) {
    await Promise.resolve();
  }
}
