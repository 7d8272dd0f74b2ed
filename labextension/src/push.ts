import type { Event as ServerEvent } from '@jupyterlab/services';

import type { IPush } from './records';
import type { IBatonModel } from './tokens';

const SCHEMA = 'urn:baton:lab:push:1';
const KINDS = ['runs', 'handoff', 'job', 'services', 'server', 'unsent'];

/** The push that an event of the server carries; null when it carries something else. */
export function parsePush(emission: ServerEvent.Emission): IPush | null {
  const kind = emission['kind'];
  return emission.schema_id === SCHEMA && typeof kind === 'string' && KINDS.includes(kind)
    ? (emission as unknown as IPush)
    : null;
}

/** Feeds the server's pushes to a model. */
export class Feed {
  /**
   * @param visible - The page's document: while it is hidden the event stream does not reconnect,
   * so what was missed is fetched when it shows again.
   */
  constructor(
    private readonly _model: IBatonModel,
    events: ServerEvent.IManager,
    visible: Document
  ) {
    events.stream.connect(this._onEvent, this);
    visible.addEventListener('visibilitychange', () => {
      if (visible.visibilityState === 'visible') {
        this._model.refresh();
      }
    });
  }

  private readonly _onEvent = (_: ServerEvent.IManager, emission: ServerEvent.Emission): void => {
    const push = parsePush(emission);
    if (push) {
      this._model.receive(push);
    }
  };
}
