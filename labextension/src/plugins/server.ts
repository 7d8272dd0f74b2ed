import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import type { IServerNotice } from '../records';
import { IBatonModel } from '../tokens';
import type { IServerTeller } from '../warnings';
import { ServerWarnings } from '../warnings';

const SHOWN_MS = 15_000;

/** JupyterLab notifications of what concerns the server: always on, as work could be lost. */
export const serverPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-baton:server',
  description: 'Warns before the server is stopped for being idle, and when its profile retires.',
  autoStart: true,
  requires: [IBatonModel],
  optional: [ITranslator],
  activate: (app: JupyterFrontEnd, model: IBatonModel, translator: ITranslator | null): void => {
    const trans = (translator ?? nullTranslator).load('jupyter_baton');
    const language = (translator?.languageCode ?? 'en').replace('_', '-');
    const teller = new ServerTeller(model, trans);
    const warnings = new ServerWarnings({ model, teller, memory: localStorage, trans, language });
    void app.restored.then(() => warnings.begin());
  }
};

/** Tells by JupyterLab's notifications; at most one warning stands. */
class ServerTeller implements IServerTeller {
  constructor(
    private readonly _model: IBatonModel,
    private readonly _trans: TranslationBundle
  ) {}

  warn(message: string): void {
    this.calm();
    this._warning = Notification.warning(message, {
      autoClose: false,
      actions: [
        {
          label: this._trans.__('Keep it running'),
          caption: this._trans.__('Count this moment as use, so that the server is not stopped'),
          displayType: 'accent',
          callback: () => void this._keep()
        }
      ]
    });
  }

  calm(): void {
    if (this._warning !== null) {
      Notification.dismiss(this._warning);
      this._warning = null;
    }
  }

  notify(notice: IServerNotice): void {
    Notification.warning(notice.text, { autoClose: SHOWN_MS });
  }

  private async _keep(): Promise<void> {
    const { tellFailure } = await import('../failure');
    await tellFailure(() => this._model.keep());
  }

  private _warning: string | null = null;
}
