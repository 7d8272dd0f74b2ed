import type { TranslationBundle } from '@jupyterlab/translation';
import { HTMLSelect } from '@jupyterlab/ui-components';
import React from 'react';

import { useLocale } from '../components/locale';
import type { ILoggedModel, IRegisteredModel, IRun } from '../records';
import { Field } from './Field';
import type { IFormProps } from './FormDialog';
import { FormDialog } from './FormDialog';
import { nameFault, suggest } from './modelName';

export interface IRegistration {
  name: string;
  /** The run's logged model, by its id. */
  model: string;
}

/** Ask under which name to register a model of a run. */
export function registerDialog(options: {
  run: IRun;
  model: string | null;
  /** A name to start from. */
  experiment: string | null;
  known: IRegisteredModel[];
  trans: TranslationBundle;
  submit: (value: IRegistration) => Promise<void>;
}): FormDialog<IRegistration> {
  const { run, known, trans } = options;
  const models = run.models.filter(model => model.is_ready);
  const first = models.find(model => model.model_id === options.model) ?? models[0];
  return new FormDialog<IRegistration>({
    title: trans.__('Register model'),
    accept: trans.__('Register'),
    value: {
      name: suggest(first?.name ?? null, options.experiment, known),
      model: first?.model_id ?? ''
    },
    form: props => <RegisterForm {...props} models={models} known={known} />,
    isValid: value => nameFault(value.name, trans) === null,
    submit: value => options.submit({ ...value, name: value.name.trim() }),
    trans
  });
}

function RegisterForm(
  props: IFormProps<IRegistration> & { models: ILoggedModel[]; known: IRegisteredModel[] }
): React.JSX.Element {
  const { models, known, value, onChange, showFaults } = props;
  const { trans } = useLocale();
  const name = value.name.trim();
  const existing = known.find(model => model.name === name);
  return (
    <>
      {models.length > 1 ? (
        <Field label={trans.__('Model of the run')}>
          {ids => (
            <HTMLSelect
              {...ids}
              className="jp-Baton-select"
              value={value.model}
              onChange={event => {
                onChange({ ...value, model: event.target.value });
              }}
            >
              {models.map(model => (
                <option key={model.model_id} value={model.model_id}>
                  {model.name}
                </option>
              ))}
            </HTMLSelect>
          )}
        </Field>
      ) : null}
      <Field
        label={trans.__('Name')}
        hint={
          existing
            ? trans.__('Becomes version %1 of %2.', nextVersion(existing), name)
            : trans.__('A new registered model, version 1.')
        }
        fault={showFaults ? nameFault(value.name, trans) : null}
      >
        {ids => (
          <>
            <input
              {...ids}
              className="jp-mod-styled"
              type="text"
              list={`${ids.id}-known`}
              maxLength={256}
              value={value.name}
              onChange={event => {
                onChange({ ...value, name: event.target.value });
              }}
            />
            <datalist id={`${ids.id}-known`}>
              {known.map(model => (
                <option key={model.name} value={model.name} />
              ))}
            </datalist>
          </>
        )}
      </Field>
    </>
  );
}

function nextVersion(model: IRegisteredModel): number {
  return 1 + Math.max(0, ...model.versions.map(({ version }) => Number(version) || 0));
}
