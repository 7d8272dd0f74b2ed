import { BatonError } from '../api';
import { BatonModel } from '../model';
import { experiment, FakeClient, handoff, job, push, runSummary, settle, status, T0 } from './fake';

async function opened(client: FakeClient): Promise<BatonModel> {
  const model = new BatonModel(client);
  model.gate.open();
  model.load();
  await settle();
  client.asked.length = 0;
  return model;
}

describe('BatonModel', () => {
  it('asks the server nothing before anybody looks', async () => {
    const client = new FakeClient();
    const model = new BatonModel(client);
    model.load();
    model.receive(push('runs'));
    await settle();
    expect(client.asked).toEqual([]);
  });

  it('shows the runs of the experiment that changed last', async () => {
    const client = new FakeClient();
    client.experimentsNow = [experiment('0', 'Default', T0), experiment('7', 'new', T0 + 1)];
    const model = new BatonModel(client);
    model.gate.open();
    model.load();
    await settle();
    expect(model.runs.experiment).toBe('7');
    expect(client.count('runs 7')).toBe(1);
    expect(client.count('runs 0')).toBe(0);
  });

  it('refetches only the list when a push names a run of the experiment shown', async () => {
    const client = new FakeClient();
    const model = await opened(client);
    model.runs.pick('1');
    client.runsNow = [runSummary('3'), ...client.runsNow];
    model.receive(push('runs', { experiment_id: '1', run_id: '3' }));
    await settle();
    expect(client.asked).toEqual(['runs 1']);
    expect(model.runs.list.value?.map(run => run.run_id)).toEqual(['3', '2', '1']);
  });

  it('leaves the runs alone when a push names another experiment', async () => {
    const client = new FakeClient();
    client.experimentsNow.push(experiment('2', 'other', T0 - 1));
    const model = await opened(client);
    model.runs.pick('1');
    await settle();
    client.asked.length = 0;
    model.receive(push('runs', { experiment_id: '2', run_id: '9' }));
    await settle();
    expect(client.count('runs 1')).toBe(0);
  });

  it('follows to a new experiment until one is picked', async () => {
    const client = new FakeClient();
    const model = await opened(client);
    client.experimentsNow = [...client.experimentsNow, experiment('2', 'just made', T0 + 9)];
    client.runsNow = [runSummary('8')];
    model.receive(push('runs', { experiment_id: '2', run_id: '8' }));
    await settle();
    expect(model.runs.experiment).toBe('2');
    expect(model.runs.list.value?.map(run => run.run_id)).toEqual(['8']);
  });

  it('fetches the open run again only when the push names it', async () => {
    const client = new FakeClient();
    const model = await opened(client);
    model.showRun('2');
    await settle();
    client.asked.length = 0;
    model.receive(push('runs', { experiment_id: '1', run_id: '1' }));
    await settle();
    expect(client.count('run 2')).toBe(0);
    model.receive(push('runs', { experiment_id: '1', run_id: '2' }));
    await settle();
    expect(client.count('run 2')).toBe(1);
  });

  it('answers a burst of pushes with one request under way and one after', async () => {
    const client = new FakeClient();
    const model = await opened(client);
    model.runs.pick('1');
    for (let i = 0; i < 50; i += 1) {
      model.receive(push('runs', { experiment_id: '1', run_id: '2' }));
    }
    await settle();
    expect(client.count('runs 1')).toBe(2);
  });

  it('pauses while hidden, and catches up with one request when shown', async () => {
    const client = new FakeClient();
    const model = await opened(client);
    model.runs.pick('1');
    model.gate.close();
    for (let i = 0; i < 5; i += 1) {
      model.receive(push('runs', { experiment_id: '1', run_id: '2' }));
    }
    await settle();
    expect(client.asked).toEqual([]);
    model.gate.open();
    await settle();
    expect(client.count('runs 1')).toBe(1);
  });

  it('appends older runs once and keeps them over a refetch', async () => {
    const client = new FakeClient();
    client.olderRuns = [runSummary('1'), runSummary('0')];
    const model = await opened(client);
    expect(model.runs.hasMore).toBe(true);
    await model.runs.more();
    model.receive(push('runs', { experiment_id: '1', run_id: '2' }));
    await settle();
    expect(model.runs.list.value?.map(run => run.run_id)).toEqual(['2', '1', '0']);
    expect(model.runs.hasMore).toBe(false);
  });

  it('keeps what it had when a fetch fails, and says why', async () => {
    const client = new FakeClient();
    const model = await opened(client);
    client.failure = new BatonError('mlflow_unavailable', 'MLflow does not answer.');
    model.refresh();
    await settle();
    expect(model.runs.list.value).toHaveLength(2);
    expect(model.runs.list.error?.code).toBe('mlflow_unavailable');
    client.failure = null;
    model.load();
    await settle();
    expect(model.runs.list.error).toBeNull();
  });

  it('fetches anew by itself when a service is back', async () => {
    const client = new FakeClient();
    client.statusNow = status('down');
    client.failure = null;
    const model = await opened(client);
    client.statusNow = status('up');
    model.receive(push('services'));
    await settle();
    expect(client.count('status')).toBe(1);
    expect(client.count('runs 1')).toBe(1);
  });

  it('takes a job from the push without asking, and the handoff it became', async () => {
    const client = new FakeClient();
    const model = await opened(client);
    model.show('handoffs');
    await settle();
    client.asked.length = 0;
    model.receive(push('job', { job: job('j1', { progress: 0.1 }) }));
    model.receive(push('job', { job: job('j1', { progress: 0.9 }) }));
    await settle();
    expect(model.handoffs.openJobs.map(item => item.progress)).toEqual([0.9]);
    expect(client.asked).toEqual([]);
    client.handoffsNow = [handoff('h2'), handoff('h1')];
    model.receive(push('job', { job: job('j1', { state: 'done', handoff: 'h2' }) }));
    await settle();
    expect(model.handoffs.openJobs).toEqual([]);
    expect(model.handoffs.list.value?.map(item => item.id)).toEqual(['h2', 'h1']);
  });

  it('keeps what was typed for a version until it is handed over', async () => {
    const client = new FakeClient();
    const model = await opened(client);
    const card = { summary: '', intended_use: '', limitations: '', license: '', contact: '' };
    const draft = { model: 'm', version: '1', team: 'ops', note: 'n', card };
    model.handoffs.keepDraft(draft);
    expect(model.handoffs.draft('m', '1')).toEqual(draft);
    expect(model.handoffs.draft('m', '2')).toBeNull();
  });
});
