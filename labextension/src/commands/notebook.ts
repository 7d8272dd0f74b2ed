import { InputDialog, Notification } from '@jupyterlab/apputils';
import type { IDocumentManager } from '@jupyterlab/docmanager';
import type { INotebookTracker } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';

import { tellFailure } from '../failure';
import type { IBatonModel } from '../tokens';
import { CommandIDs } from '../tokens';

interface IOptions {
  commands: CommandRegistry;
  model: IBatonModel;
  trans: TranslationBundle;
  documents: IDocumentManager;
  notebooks: INotebookTracker | null;
}

/** The commands that open notebooks, the example one too, and log the one in front to a run. */
export function addNotebookCommands(options: IOptions): void {
  addOpenExample(options);
  addOpenNotebook(options);
  addOpenSnapshot(options);
  addLogNotebook(options);
}

function addOpenNotebook(options: IOptions): void {
  const { commands, trans } = options;
  commands.addCommand(CommandIDs.openNotebook, {
    label: trans.__('Open the Notebook of a Run'),
    caption: trans.__('Open a notebook as it is now, at the cell that started the run'),
    describedBy: {
      args: {
        type: 'object',
        required: ['path'],
        properties: {
          path: { type: 'string', description: trans.__('The notebook’s path in the home') },
          cell: { type: ['string', 'null'], description: trans.__('The cell’s id') }
        }
      }
    },
    execute: args =>
      tellFailure(async () => {
        const { path, cell } = args;
        if (typeof path === 'string') {
          await openNotebook(path, typeof cell === 'string' ? cell : null, options);
        }
      })
  });
}

async function openNotebook(path: string, cell: string | null, options: IOptions): Promise<void> {
  const { documents, trans } = options;
  try {
    await documents.services.contents.get(path, { content: false });
  } catch {
    Notification.info(
      trans.__('%1 is not among your files any more. Open the notebook as it was instead.', path)
    );
    return;
  }
  const widget = documents.openOrReveal(path);
  if (widget && cell !== null) {
    await widget.context.ready;
    await widget.revealed;
    widget.setFragment(`#cell-id=${cell}`);
  }
}

function addOpenSnapshot(options: IOptions): void {
  const { commands, model, trans, documents } = options;
  commands.addCommand(CommandIDs.openSnapshot, {
    label: trans.__('Open the Notebook of a Run as It Was'),
    caption: trans.__('Put a run’s notebook, as it was when the run began, into the home'),
    describedBy: {
      args: {
        type: 'object',
        required: ['run'],
        properties: { run: { type: 'string', description: trans.__('The run’s id') } }
      }
    },
    execute: args =>
      tellFailure(async () => {
        const { run } = args;
        if (typeof run === 'string') {
          documents.openOrReveal(await model.client.takeSnapshot(run));
        }
      })
  });
}

function addOpenExample(options: IOptions): void {
  const { commands, model, trans, documents } = options;
  commands.addCommand(CommandIDs.openExample, {
    label: trans.__('Open the Example Notebook'),
    caption: trans.__('Train a small real model and log it'),
    describedBy: { args: { type: 'object', properties: {} } },
    execute: () =>
      tellFailure(async () => {
        documents.openOrReveal(await model.client.example());
      })
  });
}

function addLogNotebook(options: IOptions): void {
  const { commands, trans, notebooks } = options;
  commands.addCommand(CommandIDs.logNotebook, {
    label: trans.__('Log This Notebook to a Run…'),
    caption: trans.__('Save the notebook in front and keep a copy with a run'),
    describedBy: {
      args: {
        type: 'object',
        properties: {
          run: {
            type: 'string',
            description: trans.__('The run’s id; without it, the person is asked')
          }
        }
      }
    },
    isEnabled: () => Boolean(notebooks?.currentWidget),
    execute: args =>
      tellFailure(async () => {
        const run = typeof args['run'] === 'string' ? args['run'] : await askRun(options);
        if (run !== null) {
          await logNotebook(run, options);
        }
      })
  });
  notebooks?.currentChanged.connect(() => {
    commands.notifyCommandChanged(CommandIDs.logNotebook);
  });
}

/** Save the notebook in front and log what is then on disk. */
async function logNotebook(run: string, options: IOptions): Promise<void> {
  const { model, trans, notebooks, documents } = options;
  const context = notebooks?.currentWidget?.context;
  if (!context) {
    return;
  }
  await context.save();
  const path = documents.services.contents.localPath(context.path);
  await model.client.logNotebook(run, path);
  model.runs.invalidate(null, run);
  Notification.success(trans.__('%1 is now kept with the run.', path), { autoClose: 5000 });
}

/** Let the person choose one of the latest experiment's runs; null when they choose none. */
async function askRun(options: IOptions): Promise<string | null> {
  const { model, trans } = options;
  const experiments = await model.client.experiments();
  const experiment = model.runs.experiment ?? experiments[0]?.id;
  const runs = experiment === undefined ? [] : (await model.client.runs(experiment)).items;
  if (!runs.length) {
    Notification.info(trans.__('There is no run yet to log this notebook to.'));
    return null;
  }
  const labels = runs.map(run => `${run.name} (${run.run_id.slice(0, 8)})`);
  const answer = await InputDialog.getItem({
    title: trans.__('Log this notebook to which run?'),
    items: labels,
    okLabel: trans.__('Log')
  });
  return runs[labels.indexOf(answer.value ?? '')]?.run_id ?? null;
}
