import type { Tab } from './tokens';

/** What a person can do from the panel; where it takes a dialog, that opens. */
export interface IActions {
  /** The name of the notebook in front, which would be logged; null when there is none. */
  readonly notebook: string | null;
  show(this: void, tab: Tab): void;
  showRun(this: void, id: string): void;
  showHandoff(this: void, id: string): void;
  refresh(this: void): void;
  moreRuns(this: void): void;
  openExample(this: void): void;
  /** Log the notebook in front, saved first, to a run. */
  logNotebook(this: void, run: string): void;
  /** Ask for a name and register a model of a run; null when the person chooses which. */
  register(this: void, run: string, model: string | null): void;
  handOver(this: void, model: string, version: string): void;
  dismissJob(this: void, id: string): void;
  withdraw(this: void, handoff: string): void;
  reoffer(this: void, handoff: string): void;
  /** Throws BatonError, so that what was typed can stay. */
  comment(this: void, handoff: string, body: string): Promise<void>;
  copy(this: void, text: string): void;
  /** Open a page in its own tab. */
  visit(this: void, url: string): void;
}
