import { nullTranslator } from '@jupyterlab/translation';

import { BatonModel } from '../model';
import type { INotice } from '../notices';
import { Notices } from '../notices';
import { FakeClient, event, job, push, settle } from './fake';

const trans = nullTranslator.load('jupyter_baton');

async function listening(): Promise<{ model: BatonModel; told: INotice[] }> {
  const model = new BatonModel(new FakeClient());
  model.gate.open();
  model.load();
  await settle();
  const told: INotice[] = [];
  new Notices(model, trans, notice => told.push(notice));
  return { model, told };
}

describe('Notices', () => {
  it('tells a comment of somebody else, with their words', async () => {
    const { model, told } = await listening();
    const asked = event('e1', 'baton.handoff.commented', { text: 'Which units?' });
    model.receive(push('handoff', { event: asked }));
    expect(told).toEqual([
      { message: 'developer on breast-cancer 1: “Which units?”', type: 'info', handoff: 'h1' }
    ]);
    expect(model.handoffs.unread.has('h1')).toBe(true);
  });

  it('tells an event once, however often the stream repeats it', async () => {
    const { model, told } = await listening();
    const accepted = event('e1', 'baton.handoff.accepted');
    model.receive(push('handoff', { event: accepted }));
    model.receive(push('handoff', { event: accepted }));
    expect(told).toHaveLength(1);
  });

  it("stays silent about one's own acts and others' handoffs", async () => {
    const { model, told } = await listening();
    const own = event('e1', 'baton.handoff.commented', { actor: 'scientist' });
    const others = event('e2', 'baton.handoff.commented', { sender: 'colleague' });
    model.receive(push('handoff', { event: own }));
    model.receive(push('handoff', { event: others }));
    expect(told).toEqual([]);
    expect(model.handoffs.unread.size).toBe(0);
  });

  it('stays silent about steps that need nobody', async () => {
    const { model, told } = await listening();
    model.receive(push('handoff', { event: event('e1', 'baton.handoff.checking') }));
    model.receive(push('handoff', { event: event('e2', 'baton.handoff.offered') }));
    expect(told).toEqual([]);
  });

  it.each([
    ['baton.handoff.changes_requested', 'warning'],
    ['baton.handoff.declined', 'warning'],
    ['baton.handoff.accepted', 'success'],
    ['baton.handoff.check_failed', 'error']
  ] as const)('tells %s as %s', async (type, tone) => {
    const { model, told } = await listening();
    model.receive(push('handoff', { event: event('e1', type, { text: 'because' }) }));
    expect(told[0]?.type).toBe(tone);
    expect(told[0]?.message).toContain('because');
  });

  it('tells a deployment with its environment and word', async () => {
    const { model, told } = await listening();
    const data = { actor: 'pipeline:deploy', environment: 'staging', status: 'success' };
    const reported = event('e1', 'baton.handoff.deployment_reported', data);
    model.receive(push('handoff', { event: reported }));
    expect(told[0]?.message).toBe('breast-cancer 1 in staging: deployed.');
  });

  it('tells a job that failed, once', async () => {
    const { model, told } = await listening();
    const failed = job('j1', { state: 'failed', error: { code: 'x', message: 'Too large.' } });
    model.receive(push('job', { job: failed }));
    model.receive(push('job', { job: failed }));
    expect(told.map(notice => notice.type)).toEqual(['error']);
    expect(told[0]?.message).toContain('Too large.');
  });

  it('leaves no mark on what is being looked at', async () => {
    const { model, told } = await listening();
    model.showHandoff('h1');
    model.receive(push('handoff', { event: event('e1', 'baton.handoff.accepted') }));
    expect(told).toHaveLength(1);
    expect(model.handoffs.unread.size).toBe(0);
  });

  it('takes the mark away when the handoff is opened', async () => {
    const { model } = await listening();
    model.receive(push('handoff', { event: event('e1', 'baton.handoff.accepted') }));
    expect(model.handoffs.unread.size).toBe(1);
    model.showHandoff('h1');
    expect(model.handoffs.unread.size).toBe(0);
  });
});
