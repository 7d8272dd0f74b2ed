import { cleanup, configure, fireEvent, screen } from '@testing-library/react';
import { CommandRegistry } from '@lumino/commands';

import { BatonError } from '../api';
import { addAccessCommands } from '../commands/access';
import { changeOf, sharingOf, withRead, withReaders, withWrite } from '../dialogs/sharing';
import { BatonModel } from '../model';
import { CommandIDs } from '../tokens';
import { experiment, FakeClient, registered, settle, T0 } from './fake';
import { goTo, press, shown, trans } from './shown';

afterEach(cleanup);

describe('Private experiments', () => {
  it('are told by word and icon, and whose they are', async () => {
    const client = new FakeClient();
    const access = { owner: 'eve', read: ['research'], write: [] };
    client.experimentsNow = [experiment('1', 'secret', T0, access)];
    await shown(client);
    expect(screen.getByText('Private: only eve and research see it.')).toBeTruthy();
    expect(screen.getByRole('option', { name: 'secret (private)' })).toBeTruthy();
    expect(screen.queryByRole('button', { name: /Choose who may see/ })).toBeNull();
  });

  it('can be opened and closed by their owner', async () => {
    const { actions } = await shown(new FakeClient());
    await press('Choose who may see and change this experiment');
    expect(actions.shareExperiment).toHaveBeenCalledWith('1');
  });

  it('come into the form and out of it as they were', () => {
    for (const access of [
      { read: 'everybody' as const, write: ['a'] },
      { read: 'everybody' as const, write: 'everybody' as const },
      { read: ['a', 'b'], write: ['a'] },
      { read: [], write: [] }
    ]) {
      expect(changeOf(sharingOf({ owner: 'scientist', ...access }))).toEqual(access);
    }
  });

  it('that only writers see stay closed to everybody else', () => {
    const sharing = sharingOf({ owner: 'scientist', read: [], write: ['a'] });
    expect(changeOf(sharing)).toEqual({ read: ['a'], write: ['a'] });
  });

  it('are none where everybody may write, because who writes reads', async () => {
    const client = new FakeClient();
    // The tag of writers is absent on what is older than access.
    client.experimentsNow = [experiment('1', 'old', T0, { read: ['research'], write: null })];
    await shown(client);
    expect(screen.queryByText(/^Private/)).toBeNull();
    expect(sharingOf({ owner: 'scientist', read: ['research'], write: null })).toEqual({
      readers: 'everybody',
      read: [],
      write: 'everybody'
    });
  });
});

describe('The form', () => {
  const everybodys = sharingOf({ owner: 'scientist', read: null, write: null });

  it('lets nobody change what they do not see', () => {
    const groups = withWrite(withReaders(everybodys, 'groups'), ['a']);
    expect(groups).toEqual({ readers: 'groups', read: ['a'], write: ['a'] });
    expect(withRead(groups, ['b'])).toEqual({ readers: 'groups', read: ['b'], write: [] });
  });

  it('asks for nobody where only the owner is chosen', () => {
    expect(changeOf(withReaders(everybodys, 'me'))).toEqual({ read: [], write: [] });
  });
});

describe('Private models', () => {
  it('are told by word and icon, in the list and beside their versions', async () => {
    const client = new FakeClient();
    client.modelsNow = [
      registered('mine', [], { read: [], write: [] }),
      registered('theirs', [], { owner: 'eve' })
    ];
    const { actions } = await shown(client);
    await goTo('Models');
    expect(screen.getByText('Private: only you see it.')).toBeTruthy();
    await press('Choose who may see and change the model mine');
    await press('Show who may see and change the model theirs');
    expect(actions.shareModel.mock.calls).toEqual([['mine'], ['theirs']]);
  });
});

/** The commands over a fake server, whose person is the scientist. */
async function commandsOver(client: FakeClient): Promise<CommandRegistry> {
  const model = new BatonModel(client);
  model.gate.open();
  model.load();
  const commands = new CommandRegistry();
  addAccessCommands({ commands, model, trans });
  await settle();
  return commands;
}

/** Open a dialog; the promise ends when it is closed. */
async function open(
  commands: CommandRegistry,
  command: string,
  args: Record<string, string>
): Promise<{ closed: Promise<unknown> }> {
  const closed = commands.execute(command, args);
  await screen.findByRole('dialog');
  return { closed };
}

describe('The dialog', () => {
  // Without a browser, Lab's <dialog> is never shown, and nothing scrolls.
  beforeAll(() => {
    configure({ defaultHidden: true });
    Element.prototype.scrollIntoView = jest.fn();
  });
  afterAll(() => {
    configure({ defaultHidden: false });
  });

  it.each([
    ['experiment', CommandIDs.shareExperiment, { experiment: '1' }, 'breast-cancer', '1'],
    ['model', CommandIDs.shareModel, { model: 'tumours' }, 'tumours', 'tumours']
  ])('closes the owner’s %s', async (_kind, command, args, name, key) => {
    const client = new FakeClient();
    const { closed } = await open(await commandsOver(client), command, args);
    expect(screen.getByRole('dialog').textContent).toContain(`“${name}”`);
    const everybody = await screen.findByRole('radio', { name: 'Everybody who is signed in' });
    expect((everybody as HTMLInputElement).checked).toBe(true);
    expect(document.activeElement).toBe(everybody);
    fireEvent.click(screen.getByRole('radio', { name: 'Only me' }));
    await press('Save');
    await closed;
    expect(client.count(`changeAccess ${key} {"read":[],"write":[]}`)).toBe(1);
    expect(screen.queryByRole('dialog')).toBeNull();
  });

  it('stays and says why when MLflow refuses', async () => {
    const client = new FakeClient();
    const commands = await commandsOver(client);
    const { closed } = await open(commands, CommandIDs.shareModel, { model: 'tumours' });
    await screen.findByRole('radio', { name: 'Only me' });
    client.failure = new BatonError('mlflow_refused', 'MLflow says: ask eve.');
    await press('Save');
    expect(await screen.findByText('MLflow says: ask eve.')).toBeTruthy();
    await press('Cancel');
    await closed;
    expect(client.count('models')).toBe(0);
  });

  it('says that other groups are unknown where nobody lists them, and keeps the named ones', async () => {
    const client = new FakeClient();
    client.teams = () => Promise.reject(new BatonError('desk_unavailable', 'No desk.'));
    const commands = await commandsOver(client);
    const { closed } = await open(commands, CommandIDs.shareModel, { model: 'tumours' });
    const named = await screen.findByRole('checkbox', { name: 'data-science' });
    fireEvent.click(named);
    expect(screen.getByText(/other groups can’t be listed now/)).toBeTruthy();
    expect(screen.getByRole('checkbox', { name: 'data-science' })).toBeTruthy();
    await press('Cancel');
    await closed;
  });

  it('shows somebody else who may, and whom to ask', async () => {
    const client = new FakeClient();
    client.accessNow = { owner: 'eve', read: 'everybody', write: ['research'] };
    const commands = await commandsOver(client);
    const { closed } = await open(commands, CommandIDs.shareModel, { model: 'tumours' });
    expect(await screen.findByText(/ask eve/)).toBeTruthy();
    expect(screen.getByText('research')).toBeTruthy();
    expect(screen.queryByRole('radio')).toBeNull();
    expect(screen.queryByRole('button', { name: 'Save' })).toBeNull();
    await press('Close');
    await closed;
  });
});
