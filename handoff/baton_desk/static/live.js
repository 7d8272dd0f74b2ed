// The desk's stream of hints: what changed, for this person.

const LONGEST_WAIT = 30000;

/**
 * Call `onHint` for each hint from `url` on, each once and in order, over
 * connections that come and go; `onState(false)` when one is lost, `onState(true)`
 * when it is back. Returns functions that pause and resume.
 */
export function listen(url, { onHint, onState }) {
  let source = null;
  let last = null;
  let wait = 1000;
  let timer = 0;

  const open = () => {
    clearTimeout(timer);
    const address = new URL(url, location.href);
    if (last !== null) {
      address.searchParams.set('after', last);
    }
    source = new EventSource(address);
    source.addEventListener('open', () => {
      wait = 1000;
      onState(true);
    });
    source.addEventListener('hint', event => {
      last = event.lastEventId;
      onHint(JSON.parse(event.data));
    });
    // The browser gives up for good when a proxy answers for a desk that is restarting,
    // so the waiting and trying is ours.
    source.addEventListener('error', () => {
      close();
      onState(false);
      timer = setTimeout(open, wait * (0.5 + Math.random()));
      wait = Math.min(wait * 2, LONGEST_WAIT);
    });
  };

  const close = () => {
    clearTimeout(timer);
    source?.close();
    source = null;
  };

  open();
  return { pause: close, resume: () => source ?? open() };
}
