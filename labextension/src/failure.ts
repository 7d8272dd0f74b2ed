import { Notification } from '@jupyterlab/apputils';

import { asBatonError } from './resource';

/** Do it, and tell the person if it could not be done. */
export async function tellFailure(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (reason) {
    Notification.error(asBatonError(reason).message);
  }
}
