import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { BatonClient } from '../api';
import { BatonModel } from '../model';
import { Feed } from '../push';
import { IBatonModel } from '../tokens';

/** What Baton knows, fed by the server's events. */
export const modelPlugin: JupyterFrontEndPlugin<IBatonModel> = {
  id: 'jupyter-baton:model',
  description: 'Provides what Baton knows of experiments, models and handoffs.',
  autoStart: true,
  provides: IBatonModel,
  optional: [ITranslator],
  activate: (app: JupyterFrontEnd, translator: ITranslator | null): IBatonModel => {
    const trans = (translator ?? nullTranslator).load('jupyter_baton');
    const { events, serverSettings } = app.serviceManager;
    const model = new BatonModel(new BatonClient(serverSettings, trans));
    new Feed(model, events, document);
    return model;
  }
};
