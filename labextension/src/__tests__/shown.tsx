import { nullTranslator } from '@jupyterlab/translation';
import { act, fireEvent, render, screen } from '@testing-library/react';
import React from 'react';

import type { IActions } from '../actions';
import { BatonView } from '../components/BatonView';
import { BatonModel } from '../model';
import type { FakeClient } from './fake';
import { settle } from './fake';

export const trans = nullTranslator.load('jupyter_baton');

export type Spies = {
  [name in keyof IActions]: IActions[name] extends string | null ? string | null : jest.Mock;
};

function spies(model: BatonModel): Spies {
  return {
    notebook: null,
    show: jest.fn((tab: Parameters<IActions['show']>[0]) => {
      model.show(tab);
    }),
    showRun: jest.fn(),
    showHandoff: jest.fn(),
    refresh: jest.fn(),
    keep: jest.fn(),
    openNotebook: jest.fn(),
    openSnapshot: jest.fn(),
    shareExperiment: jest.fn(),
    shareModel: jest.fn(),
    sendUnsent: jest.fn(),
    changeAutolog: jest.fn(),
    moreRuns: jest.fn(),
    openExample: jest.fn(),
    logNotebook: jest.fn(),
    register: jest.fn(),
    handOver: jest.fn(),
    dismissJob: jest.fn(),
    withdraw: jest.fn(),
    reoffer: jest.fn(),
    comment: jest.fn(() => Promise.resolve()),
    copy: jest.fn(),
    visit: jest.fn()
  };
}

/** The panel over a fake server, rendered anew whenever the model says so. */
export async function shown(client: FakeClient): Promise<{ model: BatonModel; actions: Spies }> {
  const model = new BatonModel(client);
  const actions = spies(model);
  const view = (): React.JSX.Element => (
    <BatonView model={model} actions={actions} trans={trans} language="en" />
  );
  const { rerender } = render(view());
  model.changed.connect(() => {
    rerender(view());
  });
  await act(async () => {
    model.gate.open();
    model.load();
    await settle();
  });
  return { model, actions };
}

export async function press(name: string | RegExp): Promise<void> {
  await act(async () => {
    fireEvent.click(screen.getByRole('button', { name }));
    await settle();
  });
}

export async function goTo(tab: string): Promise<void> {
  await act(async () => {
    fireEvent.click(screen.getByRole('tab', { name: tab }));
    await settle();
  });
}
