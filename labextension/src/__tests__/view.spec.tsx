import { act, cleanup, fireEvent, screen, within } from '@testing-library/react';

import { BatonError } from '../api';
import { FakeClient, handoff, job, push, registered, settle, standing, status } from './fake';
import { goTo, press, shown } from './shown';

afterEach(cleanup);

describe('Runs', () => {
  it('lists runs with state in words, who and the metrics shortened', async () => {
    await shown(new FakeClient());
    const [first] = within(screen.getByRole('list', { name: 'Runs' })).getAllByRole('listitem');
    expect(first?.textContent).toContain('run 2');
    expect(first?.textContent).toContain('Finished');
    expect(first?.textContent).toContain('scientist');
    expect(first?.textContent).toContain('0.9825');
  });

  it('teaches the next step where there are none', async () => {
    const client = new FakeClient();
    client.runsNow = [];
    const { actions } = await shown(client);
    await press('Open the example notebook');
    expect(actions.openExample).toHaveBeenCalled();
  });

  it('opens a run, offers to register its model, and goes back', async () => {
    const { actions } = await shown(new FakeClient());
    await press(/run 2/);
    expect(screen.getByRole('heading', { name: 'run 2' })).toBeTruthy();
    await press('Register model');
    expect(actions.register).toHaveBeenCalledWith('2', null);
    await press('Back to the runs');
    expect(screen.getByRole('list', { name: 'Runs' })).toBeTruthy();
  });

  it('fetches a folder of artifacts only when it is opened', async () => {
    const client = new FakeClient();
    await shown(client);
    await press(/run 2/);
    expect(client.count('artifacts figures')).toBe(0);
    await press('figures');
    expect(client.count('artifacts figures')).toBe(1);
    expect(screen.getByText('2.0 KiB')).toBeTruthy();
  });

  it('can log a notebook only when one is open', async () => {
    await shown(new FakeClient());
    await press(/run 2/);
    const button = screen.getByRole('button', { name: 'Log this notebook' });
    expect((button as HTMLButtonElement).disabled).toBe(true);
  });
});

describe('The focus', () => {
  it('stays in the panel when a run opens, and comes back to that run', async () => {
    await shown(new FakeClient());
    const run = (): HTMLElement => screen.getByRole('button', { name: /run 1/ });
    run().focus();
    await press(/run 1/);
    expect(document.activeElement).toBe(screen.getByRole('button', { name: 'Back to the runs' }));
    await press('Back to the runs');
    expect(document.activeElement).toBe(run());
  });
});

describe('Models', () => {
  it('sends people without models to the runs', async () => {
    const { model } = await shown(new FakeClient());
    await goTo('Models');
    await press('Go to the runs');
    expect(model.tab).toBe('runs');
  });

  it('hands over the version chosen, and not one that failed to register', async () => {
    const client = new FakeClient();
    const version = { run_id: null, created_at: null, aliases: [], user: null };
    client.modelsNow = [
      registered('breast-cancer', [
        { ...version, version: '2', status: 'READY' },
        { ...version, version: '1', status: 'FAILED_REGISTRATION' }
      ])
    ];
    const { actions } = await shown(client);
    await goTo('Models');
    await press('Hand over breast-cancer version 2');
    expect(actions.handOver).toHaveBeenCalledWith('breast-cancer', '2');
    const failed = screen.getByRole('button', { name: 'Hand over breast-cancer version 1' });
    expect((failed as HTMLButtonElement).disabled).toBe(true);
  });
});

describe('Handoffs', () => {
  it('sends people without handoffs to the models', async () => {
    const client = new FakeClient();
    client.handoffsNow = [];
    const { model } = await shown(client);
    await goTo('Handoffs');
    await press('Go to the models');
    expect(model.tab).toBe('models');
  });

  it('shows the step and progress of what is on its way', async () => {
    const client = new FakeClient();
    client.jobsNow = [job('j1')];
    await shown(client);
    await goTo('Handoffs');
    expect(screen.getByText('Uploading')).toBeTruthy();
    expect(screen.getByRole<HTMLProgressElement>('progressbar').value).toBe(0.5);
  });

  it('says why a hand-over failed and lets one try again or dismiss it', async () => {
    const client = new FakeClient();
    client.jobsNow = [job('j1', { state: 'failed', error: { code: 'x', message: 'Too large.' } })];
    const { actions } = await shown(client);
    await goTo('Handoffs');
    expect(screen.getByRole('alert').textContent).toBe('Too large.');
    await press('Hand over again');
    expect(actions.handOver).toHaveBeenCalledWith('breast-cancer', '1');
    await press('Dismiss');
    expect(actions.dismissJob).toHaveBeenCalledWith('j1');
  });

  it('shows what a failed check says without unfolding', async () => {
    const client = new FakeClient();
    const check = { tool: 'predict', version: '1', finished_at: '2026-01-02T03:04:05.000Z' };
    client.handoff = id =>
      Promise.resolve(
        handoff(id, {
          state: 'draft',
          checks: [{ ...check, verdict: 'failed', details: 'Log it again.' }]
        })
      );
    const { model } = await shown(client);
    await act(async () => {
      model.showHandoff('h1');
      await settle();
    });
    expect(screen.getByText('Log it again.')).toBeTruthy();
    expect(screen.getByText('failed')).toBeTruthy();
  });

  it('keeps a reply that could not be sent', async () => {
    const { model, actions } = await shown(new FakeClient());
    actions.comment.mockRejectedValueOnce(new BatonError('desk', 'The desk does not answer.'));
    await act(async () => {
      model.showHandoff('h1');
      await settle();
    });
    const box = screen.getByRole<HTMLTextAreaElement>('textbox', { name: 'Reply' });
    fireEvent.change(box, { target: { value: 'Square millimetres.' } });
    await press('Send');
    expect(box.value).toBe('Square millimetres.');
    expect(screen.getByRole('alert').textContent).toBe('The desk does not answer.');
    await press('Send');
    expect(box.value).toBe('');
  });
});

describe('Services', () => {
  it('says that MLflow is down and what is safe, and keeps the tabs', async () => {
    const client = new FakeClient();
    client.statusNow = status('down');
    await shown(client);
    expect(screen.getByRole('status').textContent).toContain('MLflow does not answer.');
    expect(screen.getByRole('status').textContent).toContain('are safe');
    expect(screen.getAllByRole('tab')).toHaveLength(3);
  });

  it('says nothing when all is well', async () => {
    await shown(new FakeClient());
    expect(screen.queryByRole('status')).toBeNull();
  });

  it('says that something is starting', async () => {
    const client = new FakeClient();
    client.statusNow = status('up', 'starting');
    await shown(client);
    expect(screen.getByRole('status').textContent).toContain('The handoff desk is starting.');
  });

  it('explains itself on a server without a platform', async () => {
    const client = new FakeClient();
    client.statusNow = status('absent', 'absent');
    await shown(client);
    expect(screen.getByRole('status').textContent).toContain('Notebooks work as usual');
    expect(screen.queryByRole('tab')).toBeNull();
  });

  it('says why and lets one try again when the server does not know Baton', async () => {
    const client = new FakeClient();
    client.failure = new BatonError('no_extension', 'This Jupyter server does not know Baton.');
    const { actions } = await shown(client);
    expect(screen.getByRole('alert').textContent).toContain('does not know Baton');
    await press('Try again');
    expect(actions.refresh).toHaveBeenCalled();
  });
});

describe('Server', () => {
  it('says in one line what runs, and the rest when it is unfolded', async () => {
    const client = new FakeClient();
    client.serverNow = standing({
      left: [
        {
          resource: 'cpu',
          scope: 'group',
          name: 'data-science',
          period: '',
          limit: 4,
          left: 1,
          text: '1 of 4 CPUs',
          detail: 'The group data-science may use 4 CPUs at once, and 3 CPUs in use already.'
        }
      ]
    });
    await shown(client);
    const fold = screen.getByRole('button', { name: /Server/ });
    expect(fold.textContent).toContain('Scikit-learn · 1 CPU · 2 GB');
    expect(screen.queryByText('1 of 4 CPUs')).toBeNull();
    await press(/Server/);
    expect(screen.getByText('1 of 4 CPUs')).toBeTruthy();
    expect(screen.getByText('shared in data-science')).toBeTruthy();
    expect(screen.getByText('Stops after 1 hour without use')).toBeTruthy();
  });

  it('says what the profile faces without unfolding', async () => {
    const client = new FakeClient();
    client.serverNow = standing({
      notices: [{ kind: 'retiring', text: 'This profile is being retired.' }]
    });
    await shown(client);
    expect(screen.getByText('This profile is being retired.')).toBeTruthy();
  });

  it('warns that the server stops, with one button that keeps it', async () => {
    const client = new FakeClient();
    client.serverNow = standing({ stops_at: Date.now() + 600_000 });
    const { actions } = await shown(client);
    expect(screen.getByRole('status').textContent).toContain('unless you use it');
    await press('Keep it running');
    expect(actions.keep).toHaveBeenCalled();
  });

  it('is absent where no Hub tells', async () => {
    await shown(new FakeClient());
    expect(screen.queryByRole('button', { name: /Server/ })).toBeNull();
  });

  it('shows a push of the warning and of its end without being asked', async () => {
    const client = new FakeClient();
    client.serverNow = standing();
    const { model } = await shown(client);
    expect(screen.queryByRole('status')).toBeNull();
    client.serverNow = standing({ stops_at: Date.now() + 600_000 });
    await act(async () => {
      model.receive(push('server', { server: { stops_at: client.serverNow?.stops_at ?? null } }));
      await settle();
    });
    expect(screen.getByRole('status').textContent).toContain('This server stops at');
    client.serverNow = standing();
    await act(async () => {
      model.receive(push('server', { server: { stops_at: null } }));
      await settle();
    });
    expect(screen.queryByRole('status')).toBeNull();
  });
});

describe('Keyboard', () => {
  it('moves between sections with the arrow keys', async () => {
    const { model } = await shown(new FakeClient());
    fireEvent.keyDown(screen.getByRole('tablist'), { key: 'ArrowLeft' });
    expect(model.tab).toBe('handoffs');
    expect(document.activeElement?.textContent).toContain('Handoffs');
  });
});
