import { Clipboard } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import type { INotebookTracker } from '@jupyterlab/notebook';
import type { CommandRegistry } from '@lumino/commands';

import type { IActions } from './actions';
import { tellFailure } from './failure';
import type { IBatonModel } from './tokens';
import { CommandIDs } from './tokens';

/** The panel's actions over the model and JupyterLab's commands. Failures become notifications. */
export class PanelActions implements IActions {
  constructor(
    private readonly _commands: CommandRegistry,
    private readonly _model: IBatonModel,
    private readonly _notebooks: INotebookTracker | null
  ) {}

  get notebook(): string | null {
    const widget = this._notebooks?.currentWidget;
    return widget ? PathExt.basename(widget.context.path) : null;
  }

  readonly show: IActions['show'] = tab => {
    this._model.show(tab);
  };

  readonly showRun: IActions['showRun'] = id => {
    this._model.showRun(id);
  };

  readonly showHandoff: IActions['showHandoff'] = id => {
    this._model.showHandoff(id);
  };

  readonly refresh: IActions['refresh'] = () => {
    this._model.refresh();
  };

  readonly keep: IActions['keep'] = () => {
    void tellFailure(() => this._model.keep());
  };

  readonly openNotebook: IActions['openNotebook'] = (path, cell) => {
    void tellFailure(() => this._commands.execute(CommandIDs.openNotebook, { path, cell }));
  };

  readonly openSnapshot: IActions['openSnapshot'] = run => {
    void tellFailure(() => this._commands.execute(CommandIDs.openSnapshot, { run }));
  };

  readonly shareExperiment: IActions['shareExperiment'] = experiment => {
    void tellFailure(() => this._commands.execute(CommandIDs.shareExperiment, { experiment }));
  };

  readonly shareModel: IActions['shareModel'] = model => {
    void tellFailure(() => this._commands.execute(CommandIDs.shareModel, { model }));
  };

  readonly sendUnsent: IActions['sendUnsent'] = () => {
    void tellFailure(() => this._model.sendUnsent());
  };

  readonly changeAutolog: IActions['changeAutolog'] = (notebook, autolog) => {
    void tellFailure(() => this._model.changeAutolog(notebook, autolog));
  };

  readonly moreRuns: IActions['moreRuns'] = () => {
    void tellFailure(() => this._model.runs.more());
  };

  readonly openExample: IActions['openExample'] = () => {
    void tellFailure(() => this._commands.execute(CommandIDs.openExample));
  };

  readonly logNotebook: IActions['logNotebook'] = run => {
    void tellFailure(() => this._commands.execute(CommandIDs.logNotebook, { run }));
  };

  readonly register: IActions['register'] = (run, model) => {
    void tellFailure(() => this._commands.execute(CommandIDs.register, { run, model }));
  };

  readonly handOver: IActions['handOver'] = (model, version) => {
    void tellFailure(() => this._commands.execute(CommandIDs.handOver, { model, version }));
  };

  readonly dismissJob: IActions['dismissJob'] = id => {
    void tellFailure(() => this._model.handoffs.dismissJob(id));
  };

  readonly withdraw: IActions['withdraw'] = handoff => {
    void tellFailure(() => this._model.handoffs.withdraw(handoff));
  };

  readonly reoffer: IActions['reoffer'] = handoff => {
    void tellFailure(() => this._model.handoffs.reoffer(handoff));
  };

  readonly comment: IActions['comment'] = (handoff, body) =>
    this._model.handoffs.comment(handoff, body);

  readonly copy: IActions['copy'] = text => {
    Clipboard.copyToSystem(text);
  };

  readonly visit: IActions['visit'] = url => {
    window.open(url, '_blank', 'noopener');
  };
}
