import type { TranslationBundle } from '@jupyterlab/translation';

import type { Event } from './contract';
import type { IPush } from './records';
import type { IBatonModel } from './tokens';

/** One thing to tell the person, wherever they are in JupyterLab. */
export interface INotice {
  message: string;
  type: 'info' | 'success' | 'warning' | 'error';
  /** The handoff it is about; null when there is none yet. */
  handoff: string | null;
}

const REMEMBERED = 500;

/** Decides what of the pushes to tell: others' acts on one's own handoffs, each once. */
export class Notices {
  constructor(
    private readonly _model: IBatonModel,
    private readonly _trans: TranslationBundle,
    private readonly _tell: (notice: INotice) => void
  ) {
    _model.pushed.connect(this._onPush, this);
  }

  private readonly _onPush = (_: IBatonModel, push: IPush): void => {
    const key = push.event?.id ?? (push.job?.state === 'failed' ? push.job.id : null);
    if (key === null || this._told.has(key)) {
      return;
    }
    const notice = this._notice(push);
    if (!notice) {
      return;
    }
    this._remember(key);
    if (notice.handoff !== null && !this._model.isLookingAt(notice.handoff)) {
      this._model.handoffs.markUnread(notice.handoff);
    }
    this._tell(notice);
  };

  private _notice(push: IPush): INotice | null {
    if (push.event) {
      const user = this._model.status.value?.user ?? null;
      const { actor, sender } = push.event.data;
      const own = user !== null && (actor === user || (sender !== null && sender !== user));
      return own ? null : describe(push.event, this._trans);
    }
    const job = push.job;
    return job?.state === 'failed'
      ? {
          message: this._trans.__(
            '%1 %2 was not handed over: %3',
            job.model,
            job.version,
            job.error?.message ?? job.step
          ),
          type: 'error',
          handoff: job.handoff
        }
      : null;
  }

  /** The last few hundred are enough: a stream that resumes repeats only its end. */
  private _remember(key: string): void {
    this._told.add(key);
    if (this._told.size > REMEMBERED) {
      const [oldest = key] = this._told;
      this._told.delete(oldest);
    }
  }

  private readonly _told = new Set<string>();
}

/** What an event says to the sender; null when it is not worth interrupting for. */
export function describe(event: Event, trans: TranslationBundle): INotice | null {
  const { actor, model, version, environment, status, team } = event.data;
  const what = `${model ?? ''} ${version ?? ''}`.trim();
  const text = event.data.text ?? '';
  const said = (message: string): string => (text ? `${message} “${text}”` : message);
  const notice = (message: string, type: INotice['type']): INotice => ({
    message,
    type,
    handoff: event.subject
  });
  switch (event.type) {
    case 'baton.handoff.commented':
      return notice(trans.__('%1 on %2: “%3”', actor, what, text), 'info');
    case 'baton.handoff.changes_requested':
      return notice(said(trans.__('%1 asks for changes to %2.', actor, what)), 'warning');
    case 'baton.handoff.accepted':
      return notice(said(trans.__('%1 accepted %2 for %3.', actor, what, team)), 'success');
    case 'baton.handoff.declined':
      return notice(said(trans.__('%1 declined %2.', actor, what)), 'warning');
    case 'baton.handoff.revoked':
      return notice(said(trans.__('%1 revoked %2.', actor, what)), 'warning');
    case 'baton.handoff.check_failed':
      return notice(
        said(trans.__('A check of %1 failed; nothing was sent to %2.', what, team)),
        'error'
      );
    case 'baton.handoff.deployment_reported':
      return notice(
        trans.__('%1 in %2: %3.', what, environment ?? '', deploymentWord(status, trans)),
        status === 'failure' || status === 'error' ? 'error' : 'success'
      );
    default:
      return null;
  }
}

/** A deployment's status in words. */
export function deploymentWord(status: string | null, trans: TranslationBundle): string {
  switch (status) {
    case 'queued':
      return trans.__('queued');
    case 'in_progress':
      return trans.__('in progress');
    case 'success':
      return trans.__('deployed');
    case 'failure':
      return trans.__('failed');
    case 'error':
      return trans.__('error');
    case 'inactive':
      return trans.__('inactive');
    default:
      return status ?? '';
  }
}
