import { act, cleanup, fireEvent, screen, within } from '@testing-library/react';

import { BatonError } from '../api';
import { DIGEST, FakeClient, push, registered, settle, status, step, trace, unsent } from './fake';
import { goTo, press, shown } from './shown';

afterEach(cleanup);

function wayBack(): HTMLElement {
  return screen.getByRole('list', { name: 'Where it comes from' });
}

function row(kind: string): HTMLElement {
  const found = within(wayBack())
    .getAllByRole('listitem')
    .find(item => item.textContent.startsWith(kind));
  if (!found) {
    throw new Error(`There is no ${kind}.`);
  }
  return found;
}

function modelWithVersion(client: FakeClient): void {
  const version = { run_id: '2', created_at: null, aliases: [], user: 'scientist' };
  client.modelsNow = [registered('m', [{ ...version, version: '3', status: 'READY' }])];
}

describe('Where it comes from', () => {
  it('says of each step in words how it stands', async () => {
    await shown(new FakeClient());
    await press(/run 2/);
    expect(row('Notebook').textContent).toContain('verified');
    expect(row('Notebook').textContent).toContain('1.5 KiB');
    expect(row('Cell').textContent).toContain('recorded');
    expect(row('Image').textContent).toContain('missing');
    expect(row('Image').textContent).toContain('No image was recorded.');
    expect(screen.getByText('Nothing differs; some steps are missing')).toBeTruthy();
  });

  it('shortens a digest and copies all of it', async () => {
    const { actions } = await shown(new FakeClient());
    await press(/run 2/);
    expect(row('Notebook').textContent).toContain('abababababab…');
    await press('Copy the digest');
    expect(actions.copy).toHaveBeenCalledWith(DIGEST);
  });

  it('opens the notebook at the cell, and the notebook as it was', async () => {
    const { actions } = await shown(new FakeClient());
    await press(/run 2/);
    await press('demos/train.ipynb');
    expect(actions.openNotebook).toHaveBeenCalledWith('demos/train.ipynb', 'c7');
    await press('Open it as it was');
    expect(actions.openSnapshot).toHaveBeenCalledWith('2');
  });

  it("does not look for somebody else's notebook among one's own files", async () => {
    const client = new FakeClient();
    const { run } = trace();
    client.traceNow = trace({ run: run && { ...run, author: 'eve' } });
    await shown(client);
    await press(/run 2/);
    expect(screen.queryByRole('button', { name: 'demos/train.ipynb' })).toBeNull();
    expect(screen.getByRole('button', { name: 'Open it as it was' })).toBeTruthy();
  });

  it('shows a step that differs even where the view has it already', async () => {
    const client = new FakeClient();
    client.traceNow = trace({
      steps: [step('run', { state: 'differs', note: 'Odd.' })],
      verdict: 'differs'
    });
    await shown(client);
    await press(/run 2/);
    expect(row('Run').textContent).toContain('differs');
    expect(screen.getByText('Something is not what was recorded')).toBeTruthy();
  });

  it('is asked for a version only when it is unfolded, and leads to the run', async () => {
    const client = new FakeClient();
    modelWithVersion(client);
    const { actions } = await shown(client);
    await goTo('Models');
    expect(client.count('trace m/3')).toBe(0);
    await press('Where m version 3 comes from');
    expect(client.count('trace m/3')).toBe(1);
    await press('run 2');
    expect(actions.showRun).toHaveBeenCalledWith('2');
  });

  it('says why it can not be told, beside what else is known of the run', async () => {
    const client = new FakeClient();
    client.trace = () => Promise.reject(new BatonError('mlflow_unavailable', 'MLflow is away.'));
    await shown(client);
    await press(/run 2/);
    expect(screen.getByRole('alert').textContent).toContain('MLflow is away.');
    expect(screen.getByText('Parameters')).toBeTruthy();
  });

  it('checks anew what may still grow, and not what is settled', async () => {
    const client = new FakeClient();
    const { model } = await shown(client);
    await press(/run 2/);
    const hint = async (): Promise<void> => {
      await act(async () => {
        model.receive(push('runs', { experiment_id: '1', run_id: '2' }));
        await settle();
      });
    };
    await hint();
    expect(client.count('trace 2')).toBe(1);
    const awaited = step('notebook', { state: 'missing', digest: DIGEST });
    client.traceNow = trace({ steps: [awaited] });
    await act(async () => {
      model.refresh();
      await settle();
    });
    await hint();
    expect(client.count('trace 2')).toBe(3);
  });

  it('checks anew what lacks steps while its run is fresh', async () => {
    const client = new FakeClient();
    const { run } = trace();
    client.traceNow = trace({ run: run && { ...run, ended_at: new Date().toISOString() } });
    const { model } = await shown(client);
    await press(/run 2/);
    await act(async () => {
      model.receive(push('runs', { experiment_id: '1', run_id: '2' }));
      await settle();
    });
    expect(client.count('trace 2')).toBe(2);
  });

  it('leaves what it shows out of the tags', async () => {
    const client = new FakeClient();
    const run = await client.run('2');
    client.run = () =>
      Promise.resolve({ ...run, tags: { 'baton.cell': 'c7', mine: 'kept', 'mlflow.user': 'x' } });
    await shown(client);
    await press(/run 2/);
    await press(/^Tags/);
    expect(screen.queryByText('baton.cell')).toBeNull();
    expect(screen.getByText('mine')).toBeTruthy();
  });
});

describe('What is kept on this machine', () => {
  it('is not spoken of where nothing is, nor where nothing can be', async () => {
    const client = new FakeClient();
    client.unsentNow = unsent(0);
    await shown(client);
    expect(screen.queryByRole('button', { name: 'Send now' })).toBeNull();
  });

  it('says that it is safe, and that it goes when MLflow answers', async () => {
    const client = new FakeClient();
    client.statusNow = status('down');
    client.unsentNow = unsent(3);
    const { actions } = await shown(client);
    expect(
      screen.getByText('3 runs are kept on this machine and are sent when MLflow answers.')
    ).toBeTruthy();
    await press('Send now');
    expect(actions.sendUnsent).toHaveBeenCalled();
  });

  it('says in words what hinders it', async () => {
    const client = new FakeClient();
    client.unsentNow = unsent(1, { problem: 'MLflow refused a metric. Look at the run.' });
    await shown(client);
    expect(screen.getByText('MLflow refused a metric. Look at the run.')).toBeTruthy();
    expect(screen.getByText(/^1 run is kept on this machine/)).toBeTruthy();
  });

  it('is asked for anew when the server says that it changed', async () => {
    const client = new FakeClient();
    client.unsentNow = unsent(1);
    const { model } = await shown(client);
    client.unsentNow = unsent(0);
    await act(async () => {
      model.receive(push('unsent'));
      await settle();
    });
    expect(screen.queryByRole('button', { name: 'Send now' })).toBeNull();
  });

  it('can not be sent twice at once', async () => {
    const client = new FakeClient();
    client.unsentNow = unsent(2, { sending: true });
    await shown(client);
    expect(screen.getByText('2 runs are being sent to MLflow.')).toBeTruthy();
    const button = screen.getByRole('button', { name: 'Sending…' });
    expect((button as HTMLButtonElement).disabled).toBe(true);
  });
});

describe('Autologging', () => {
  it('is not offered on a server that can not be set so', async () => {
    await shown(new FakeClient());
    expect(screen.queryByRole('button', { name: /Autologging/ })).toBeNull();
  });

  it('is set for all notebooks, and for the one in front', async () => {
    const client = new FakeClient();
    client.settingsNow = { autolog: 'off', notebook: null, effective: 'off' };
    const { model, actions } = await shown(client);
    await act(async () => {
      model.lookAt('demos/train.ipynb');
      await settle();
    });
    expect(client.count('settings demos/train.ipynb')).toBe(1);
    await press(/Autologging/);
    fireEvent.change(screen.getByLabelText('All my notebooks'), { target: { value: 'metrics' } });
    expect(actions.changeAutolog).toHaveBeenCalledWith(null, 'metrics');
    fireEvent.change(screen.getByLabelText('train.ipynb'), { target: { value: 'models' } });
    expect(actions.changeAutolog).toHaveBeenCalledWith('demos/train.ipynb', 'models');
    fireEvent.change(screen.getByLabelText('train.ipynb'), { target: { value: '' } });
    expect(actions.changeAutolog).toHaveBeenCalledWith('demos/train.ipynb', null);
  });

  it('is fetched again once it was changed', async () => {
    const client = new FakeClient();
    client.settingsNow = { autolog: 'off', notebook: null, effective: 'off' };
    const { model } = await shown(client);
    await act(async () => {
      await model.changeAutolog(null, 'metrics');
      await settle();
    });
    expect(client.count('changeAutolog all metrics')).toBe(1);
    expect(client.count('settings')).toBe(2);
  });
});
