import { InputDialog, Notification } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';

import { tellFailure } from '../failure';
import type { AccessTarget } from '../records';
import type { IBatonModel } from '../tokens';
import { CommandIDs } from '../tokens';

interface IOptions {
  commands: CommandRegistry;
  model: IBatonModel;
  trans: TranslationBundle;
}

/** The commands that ask who may see and change an experiment or a registered model. */
export function addAccessCommands(options: IOptions): void {
  const { commands, model, trans } = options;
  commands.addCommand(CommandIDs.shareExperiment, {
    label: trans.__('Choose Who May See the Experiment…'),
    caption: trans.__('Say who may see and change the runs of an experiment of yours'),
    describedBy: named(
      'experiment',
      trans.__('The experiment’s id; without it, the one shown in the panel')
    ),
    isEnabled: args => typeof args['experiment'] === 'string' || model.runs.experiment !== null,
    execute: args =>
      tellFailure(async () => {
        const { experiment } = args;
        const id = typeof experiment === 'string' ? experiment : model.runs.experiment;
        if (id !== null) {
          await share({ experiment: id }, options);
        }
      })
  });
  commands.addCommand(CommandIDs.shareModel, {
    label: trans.__('Choose Who May See a Model…'),
    caption: trans.__('Say who may see and change the versions of a registered model of yours'),
    describedBy: named(
      'model',
      trans.__('The registered model’s name; without it, the person is asked')
    ),
    execute: args =>
      tellFailure(async () => {
        const name = typeof args['model'] === 'string' ? args['model'] : await askModel(options);
        if (name !== null) {
          await share({ model: name }, options);
        }
      })
  });
}

function named(
  argument: string,
  description: string
): CommandRegistry.ICommandOptions['describedBy'] {
  return {
    args: { type: 'object', properties: { [argument]: { type: 'string', description } } }
  };
}

/** Open the dialog: to choose for the owner, to look for everybody else. */
async function share(target: AccessTarget, options: IOptions): Promise<void> {
  const { model, trans } = options;
  const [access, name, { accessDialog, accessView }] = await Promise.all([
    model.client.access(target),
    nameOf(target, model),
    import('../dialogs/access')
  ]);
  const user = model.status.value?.user ?? null;
  const shared = { target, name, access, trans };
  if (user === null || access.owner !== user) {
    await accessView(shared).launch();
    return;
  }
  await accessDialog({
    ...shared,
    loadTeams: () => model.client.teams(),
    submit: async chosen => {
      await model.client.changeAccess(target, chosen);
      ('model' in target ? model.models : model.runs.experiments).invalidate();
    }
  }).launch();
}

async function nameOf(target: AccessTarget, { runs, client }: IBatonModel): Promise<string> {
  if ('model' in target) {
    return target.model;
  }
  const experiments = runs.experiments.value ?? (await client.experiments());
  return experiments.find(({ id }) => id === target.experiment)?.name ?? target.experiment;
}

/** Let the person choose a registered model; null when they choose none. */
async function askModel({ model, trans }: IOptions): Promise<string | null> {
  const names = (await model.client.models()).map(({ name }) => name);
  if (!names.length) {
    Notification.info(trans.__('No model is registered yet. Register one from a run first.'));
    return null;
  }
  const answer = await InputDialog.getItem({
    title: trans.__('Who may see which model?'),
    items: names,
    okLabel: trans.__('Go on')
  });
  return answer.button.accept ? answer.value : null;
}
