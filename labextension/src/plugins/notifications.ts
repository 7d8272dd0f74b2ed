import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import type { INotice } from '../notices';
import { Notices } from '../notices';
import { CommandIDs, IBatonModel } from '../tokens';

const ID = 'jupyter-baton:notifications';
const SHOWN_MS = 15_000;

/** JupyterLab notifications of what others did to one's handoffs. */
export const notificationsPlugin: JupyterFrontEndPlugin<void> = {
  id: ID,
  description: 'Tells the sender when others comment on, decide on or deploy a handoff.',
  autoStart: true,
  requires: [IBatonModel],
  optional: [ISettingRegistry, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    model: IBatonModel,
    registry: ISettingRegistry | null,
    translator: ITranslator | null
  ): void => {
    const trans = (translator ?? nullTranslator).load('jupyter_baton');
    const settings = registry?.load(ID).catch(() => null) ?? Promise.resolve(null);
    const show = (notice: INotice): void => {
      const { handoff } = notice;
      Notification.emit(notice.message, notice.type, {
        autoClose: SHOWN_MS,
        actions: [
          {
            label: trans.__('Show'),
            caption: trans.__('Show this handoff in the Baton panel'),
            callback: () => void app.commands.execute(CommandIDs.open, { tab: 'handoffs', handoff })
          }
        ]
      });
    };
    new Notices(model, trans, notice => {
      void settings.then(loaded => {
        if (loaded?.get('notifications').composite !== false) {
          show(notice);
        }
      });
    });
  }
};
