import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';

import { batonIcon } from '../icons';
import type { IBatonModel, Tab } from '../tokens';
import { CommandIDs } from '../tokens';

const TABS: readonly Tab[] = ['runs', 'models', 'handoffs'];

/** The command that opens the panel, at a section or a handoff if asked. */
export function addPanelCommands(options: {
  commands: CommandRegistry;
  model: IBatonModel;
  trans: TranslationBundle;
  open: () => void;
}): void {
  const { commands, model, trans, open } = options;
  commands.addCommand(CommandIDs.open, {
    label: trans.__('Open the Baton Panel'),
    caption: trans.__('Show runs, models and handoffs'),
    icon: args => (args['isPalette'] ? undefined : batonIcon),
    describedBy: {
      args: {
        type: 'object',
        properties: {
          tab: {
            type: 'string',
            enum: [...TABS],
            description: trans.__('The section to show')
          },
          handoff: {
            type: ['string', 'null'],
            description: trans.__('The id of the handoff to show')
          }
        }
      }
    },
    execute: args => {
      const tab = TABS.find(name => name === args['tab']);
      if (typeof args['handoff'] === 'string') {
        model.showHandoff(args['handoff']);
      } else if (tab) {
        model.show(tab);
      }
      open();
    }
  });
}
