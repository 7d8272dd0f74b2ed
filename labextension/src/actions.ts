import type { Autolog } from './records';
import type { Tab } from './tokens';

/** What a person can do from the panel; where it takes a dialog, that opens. */
export interface IActions {
  /** The name of the notebook in front, which would be logged; null when there is none. */
  readonly notebook: string | null;
  readonly show: (tab: Tab) => void;
  readonly showRun: (id: string) => void;
  readonly showHandoff: (id: string) => void;
  readonly refresh: () => void;
  /** Keep the server from being stopped for being idle. */
  readonly keep: () => void;
  /** Open a notebook of the home, at a cell when its id is known. */
  readonly openNotebook: (path: string, cell: string | null) => void;
  /** Open a run's notebook as it was when the run began. */
  readonly openSnapshot: (run: string) => void;
  /** Ask who may see and change an experiment. */
  readonly shareExperiment: (experiment: string) => void;
  /** The same of a registered model. */
  readonly shareModel: (model: string) => void;
  readonly sendUnsent: () => void;
  /** Set what one notebook, or without one all, log by themselves. */
  readonly changeAutolog: (notebook: string | null, autolog: Autolog | null) => void;
  readonly moreRuns: () => void;
  readonly openExample: () => void;
  /** Log the notebook in front, saved first, to a run. */
  readonly logNotebook: (run: string) => void;
  /** Ask for a name and register a model of a run; null when the person chooses which. */
  readonly register: (run: string, model: string | null) => void;
  readonly handOver: (model: string, version: string) => void;
  readonly dismissJob: (id: string) => void;
  readonly withdraw: (handoff: string) => void;
  readonly reoffer: (handoff: string) => void;
  /** Throws BatonError, so that what was typed can stay. */
  readonly comment: (handoff: string, body: string) => Promise<void>;
  readonly copy: (text: string) => void;
  /** Open a page in its own tab. */
  readonly visit: (url: string) => void;
}
