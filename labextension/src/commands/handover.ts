import { InputDialog, Notification } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';

import { tellFailure } from '../failure';
import type { IBatonModel } from '../tokens';
import { CommandIDs } from '../tokens';

interface IOptions {
  commands: CommandRegistry;
  model: IBatonModel;
  trans: TranslationBundle;
  /** Bring the panel to the front. */
  open: () => void;
}

/** The commands that register a model of a run and hand a version over. */
export function addHandoverCommands(options: IOptions): void {
  addRegister(options);
  addHandOver(options);
}

function addRegister(options: IOptions): void {
  const { commands, model, trans } = options;
  commands.addCommand(CommandIDs.register, {
    label: trans.__('Register a Model of the Open Run…'),
    caption: trans.__('Give a model of a run a name and a version'),
    describedBy: {
      args: {
        type: 'object',
        properties: {
          run: {
            type: 'string',
            description: trans.__('The run’s id; without it, the run open in the panel')
          },
          model: {
            type: ['string', 'null'],
            description: trans.__('The logged model’s id; without it, the run’s first')
          }
        }
      }
    },
    isEnabled: args => typeof args['run'] === 'string' || model.runs.selected !== null,
    execute: async args => {
      const run = typeof args['run'] === 'string' ? args['run'] : model.runs.selected;
      const logged = typeof args['model'] === 'string' ? args['model'] : null;
      if (run !== null) {
        await tellFailure(() => register(run, logged, options));
      }
    }
  });
}

async function register(id: string, logged: string | null, options: IOptions): Promise<void> {
  const { model, trans, open } = options;
  const [run, known] = await Promise.all([model.client.run(id), model.client.models()]);
  const experiments = model.runs.experiments.value ?? [];
  const { registerDialog } = await import('../dialogs/register');
  const dialog = registerDialog({
    run,
    model: logged,
    experiment: experiments.find(item => item.id === run.experiment_id)?.name ?? null,
    known,
    trans,
    submit: async ({ name, model: chosen }) => {
      const made = await model.client.register(name, id, chosen);
      model.runs.invalidate(run.experiment_id, id);
      model.models.invalidate();
      Notification.success(trans.__('Registered %1, version %2.', made.name, made.version), {
        autoClose: 8000,
        actions: [
          {
            label: trans.__('Hand over'),
            callback: () =>
              void options.commands.execute(CommandIDs.handOver, {
                model: made.name,
                version: made.version
              })
          },
          {
            label: trans.__('Who may see it…'),
            callback: () =>
              void options.commands.execute(CommandIDs.shareModel, { model: made.name })
          }
        ]
      });
    }
  });
  const result = await dialog.launch();
  if (result.button.accept) {
    model.show('models');
    open();
  }
}

function addHandOver(options: IOptions): void {
  const { commands, trans } = options;
  commands.addCommand(CommandIDs.handOver, {
    label: trans.__('Hand Over a Model…'),
    caption: trans.__('Send a registered model version to the team that ships it'),
    describedBy: {
      args: {
        type: 'object',
        properties: {
          model: {
            type: 'string',
            description: trans.__('The registered model’s name; without it, the person is asked')
          },
          version: { type: 'string', description: trans.__('The model’s version') }
        }
      }
    },
    execute: async args => {
      const { model, version } = args;
      await tellFailure(async () => {
        const chosen =
          typeof model === 'string' && typeof version === 'string'
            ? { model, version }
            : await askVersion(options);
        if (chosen) {
          await handOver(chosen, options);
        }
      });
    }
  });
}

async function handOver(
  chosen: { model: string; version: string },
  options: IOptions
): Promise<void> {
  const { model, trans, open } = options;
  const { handOverDialog } = await import('../dialogs/handOver');
  const dialog = handOverDialog({
    ...chosen,
    draft: model.handoffs.draft(chosen.model, chosen.version),
    trans,
    loadTeams: () => model.client.teams(),
    onChange: draft => {
      model.handoffs.keepDraft(draft);
    },
    submit: draft => model.handoffs.handOver(draft)
  });
  const result = await dialog.launch();
  if (result.button.accept) {
    model.handoffs.select(null);
    model.show('handoffs');
    open();
  }
}

/** Let the person choose a version; null when they choose none. */
async function askVersion(options: IOptions): Promise<{ model: string; version: string } | null> {
  const { model, trans } = options;
  const models = await model.client.models();
  const choices = models.flatMap(({ name, versions }) =>
    versions.map(({ version }) => ({ model: name, version }))
  );
  if (!choices.length) {
    Notification.info(trans.__('No model is registered yet. Register one from a run first.'));
    return null;
  }
  const labels = choices.map(choice => trans.__('%1, version %2', choice.model, choice.version));
  const answer = await InputDialog.getItem({
    title: trans.__('Hand over which model?'),
    items: labels,
    okLabel: trans.__('Go on')
  });
  return choices[labels.indexOf(answer.value ?? '')] ?? null;
}
