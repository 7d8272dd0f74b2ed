import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';

import { tellFailure } from '../failure';
import type { IBatonModel } from '../tokens';
import { CommandIDs } from '../tokens';

interface IOptions {
  commands: CommandRegistry;
  model: IBatonModel;
  trans: TranslationBundle;
}

/** The command that asks who may see and change an experiment. */
export function addAccessCommand(options: IOptions): void {
  const { commands, model, trans } = options;
  commands.addCommand(CommandIDs.shareExperiment, {
    label: trans.__('Choose Who May See the Experiment…'),
    caption: trans.__('Say who may see and change the runs of an experiment of yours'),
    describedBy: {
      args: {
        type: 'object',
        properties: {
          experiment: {
            type: 'string',
            description: trans.__('The experiment’s id; without it, the one shown in the panel')
          }
        }
      }
    },
    isEnabled: args => typeof args['experiment'] === 'string' || model.runs.experiment !== null,
    execute: args =>
      tellFailure(() => {
        const { experiment } = args;
        return share(typeof experiment === 'string' ? experiment : model.runs.experiment, options);
      })
  });
}

async function share(id: string | null, options: IOptions): Promise<void> {
  const { model, trans } = options;
  const experiments = model.runs.experiments.value ?? (await model.client.experiments());
  const experiment = experiments.find(item => item.id === id);
  if (!experiment) {
    return;
  }
  const { accessDialog } = await import('../dialogs/access');
  await accessDialog({
    experiment,
    trans,
    loadTeams: () => model.client.teams(),
    submit: async access => {
      await model.client.changeAccess(experiment.id, access);
      model.runs.experiments.invalidate();
    }
  }).launch();
}
