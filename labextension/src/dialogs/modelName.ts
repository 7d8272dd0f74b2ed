import type { TranslationBundle } from '@jupyterlab/translation';

import type { IRegisteredModel } from '../records';

/** Why the name can't be used, in MLflow's rules; null when it can. */
export function nameFault(name: string, trans: TranslationBundle): string | null {
  if (!name.trim()) {
    return trans.__('The model needs a name.');
  }
  return /[/:]/.test(name) ? trans.__('A name can have neither “/” nor “:”.') : null;
}

/** The registered model that this one most likely continues, or else a new name. */
export function suggest(
  model: string | null,
  experiment: string | null,
  known: IRegisteredModel[]
): string {
  const names = new Set(known.map(item => item.name));
  const candidates = [model, experiment].filter(name => name !== null && name !== 'model');
  const fresh = candidates.map(name => (name ?? '').replace(/[/:\s]+/g, '-'));
  return fresh.find(name => names.has(name)) ?? fresh.find(name => name !== 'Default') ?? '';
}
