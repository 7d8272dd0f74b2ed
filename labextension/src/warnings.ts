import type { TranslationBundle } from '@jupyterlab/translation';

import type { IServer, IServerNotice, Moment } from './records';
import { clock } from './time';
import type { IBatonModel } from './tokens';

/** Where it is remembered which server's notices were told; survives reloads. */
export interface IMemory {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
}

/** What tells the person, wherever they are in JupyterLab. */
export interface IServerTeller {
  /** Say that the server stops soon, and offer to keep it; a warning that stands is replaced. */
  warn(message: string): void;
  /** Take the warning back. */
  calm(): void;
  notify(notice: IServerNotice): void;
}

const TOLD = 'jupyter-baton:told';

/** Tells what concerns the server: that it stops soon, and once a start what its profile faces. */
export class ServerWarnings {
  constructor(
    private readonly _options: {
      model: IBatonModel;
      teller: IServerTeller;
      memory: IMemory;
      trans: TranslationBundle;
      language: string;
      now?: () => number;
    }
  ) {
    _options.model.pushed.connect((_, push) => {
      if (push.kind === 'server') {
        this._warn(push.server?.stops_at ?? null);
      }
    });
  }

  /** Look once, when JupyterLab has started: what was pushed before was not heard. */
  async begin(): Promise<void> {
    let standing: IServer | null = null;
    try {
      standing = await this._options.model.client.server();
    } catch {
      // The panel says why, when somebody looks.
    }
    if (standing) {
      this._warn(standing.stops_at);
      this._notify(standing);
    }
  }

  private _warn(stopsAt: Moment | null): void {
    const { teller, trans, language, now } = this._options;
    if (stopsAt === null) {
      teller.calm();
    } else {
      const time = clock(stopsAt, (now ?? Date.now)(), language);
      teller.warn(trans.__('This server stops at %1 unless you use it.', time));
    }
  }

  private _notify(standing: IServer): void {
    const { teller, memory } = this._options;
    const id = standing.server?.id;
    if (id && standing.notices.length && memory.getItem(TOLD) !== id) {
      memory.setItem(TOLD, id);
      standing.notices.forEach(notice => {
        teller.notify(notice);
      });
    }
  }
}
