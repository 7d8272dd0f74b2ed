import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { addAccessCommands } from '../commands/access';
import { addHandoverCommands } from '../commands/handover';
import { addNotebookCommands } from '../commands/notebook';
import { addPanelCommands } from '../commands/panel';
import { CommandIDs, IBatonModel, IBatonPanel } from '../tokens';

/** Opening the panel, registering and handing over, by command. */
export const commandsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-baton:commands',
  description: 'Adds the commands that open the panel, register models and hand them over.',
  autoStart: true,
  requires: [IBatonModel, IBatonPanel],
  optional: [ICommandPalette, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    model: IBatonModel,
    panel: IBatonPanel,
    palette: ICommandPalette | null,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load('jupyter_baton');
    const open = (): void => {
      app.shell.activateById(panel.id);
    };
    addPanelCommands({ commands: app.commands, model, trans, open });
    addHandoverCommands({ commands: app.commands, model, trans, open });
    addAccessCommands({ commands: app.commands, model, trans });
    const { open: show, register, handOver, shareExperiment, shareModel } = CommandIDs;
    for (const command of [show, register, handOver, shareExperiment, shareModel]) {
      palette?.addItem({ command, category: trans.__('Baton') });
    }
  }
};

/** Logging notebooks, and the example one. */
export const notebooksPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-baton:notebooks',
  description: 'Adds the commands that log the notebook in front and open the example.',
  autoStart: true,
  requires: [IBatonModel, IDocumentManager],
  optional: [ICommandPalette, INotebookTracker, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    model: IBatonModel,
    documents: IDocumentManager,
    palette: ICommandPalette | null,
    notebooks: INotebookTracker | null,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load('jupyter_baton');
    addNotebookCommands({ commands: app.commands, model, trans, documents, notebooks });
    for (const command of [CommandIDs.openExample, CommandIDs.logNotebook]) {
      palette?.addItem({ command, category: trans.__('Baton') });
    }
  }
};
