import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ILayoutRestorer } from '@jupyterlab/application';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { PanelActions } from '../panelActions';
import { BatonPanel } from '../panel';
import { IBatonModel, IBatonPanel } from '../tokens';

const RANK = 300;

/** The panel in the left sidebar. */
export const panelPlugin: JupyterFrontEndPlugin<IBatonPanel> = {
  id: 'jupyter-baton:panel',
  description: 'Adds the Baton panel to the left sidebar.',
  autoStart: true,
  provides: IBatonPanel,
  requires: [IBatonModel],
  optional: [ILayoutRestorer, INotebookTracker, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    model: IBatonModel,
    restorer: ILayoutRestorer | null,
    notebooks: INotebookTracker | null,
    translator: ITranslator | null
  ): IBatonPanel => {
    const trans = (translator ?? nullTranslator).load('jupyter_baton');
    const language = (translator?.languageCode ?? 'en').replace('_', '-');
    const actions = new PanelActions(app.commands, model, notebooks);
    const panel = new BatonPanel({ model, actions, trans, language });
    // Which notebook is in front, and its path, is part of what the panel shows.
    const look = (): void => {
      model.lookAt(notebooks?.currentWidget?.context.localPath ?? null);
      panel.update();
    };
    notebooks?.currentChanged.connect(look, panel);
    notebooks?.widgetAdded.connect((_, { context }) => context.pathChanged.connect(look), panel);
    app.shell.add(panel, 'left', { rank: RANK });
    restorer?.add(panel, panel.id);
    return panel;
  }
};
