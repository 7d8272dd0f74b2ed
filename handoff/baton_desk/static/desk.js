// What the pages do beyond reading and posting: stay current, copy, tell the time.
// Everything works without it, only not by itself.

import { listen } from './live.js';
import { refreshTimes } from './times.js';

/* global Idiomorph */

const main = document.getElementById('main');
const { live, refresh: page, xsrf } = document.body.dataset;

document.documentElement.classList.add('baton-scripted');

// Staying current

/** A form that somebody has typed into, or is in. */
const inUse = form =>
  form.contains(document.activeElement) ||
  [...form.elements].some(field => field.defaultValue !== undefined && field.value !== field.defaultValue);

/** Whether a node, or something in it, must stay exactly as it is. */
function keeps(node) {
  if (!(node instanceof Element)) {
    return false;
  }
  const kept = [...node.querySelectorAll('form[method=post], [data-keep]')];
  if (node.matches('form[method=post], [data-keep]')) {
    kept.push(node);
  }
  return kept.some(found => found.hasAttribute('data-keep') || inUse(found));
}

const callbacks = {
  beforeNodeMorphed: node => !(node instanceof Element && node.matches('form[method=post], [data-keep]') && keeps(node)),
  beforeNodeRemoved: node => !keeps(node),
  // What the reader has opened stays open.
  beforeAttributeUpdated: (name, node) => !(name === 'open' && node instanceof HTMLDetailsElement)
};

let busy = false;
let again = false;

/** Fetch this page anew and change only what is different. */
async function refresh() {
  if (busy) {
    again = true;
    return;
  }
  busy = true;
  try {
    const answer = await fetch(page, { headers: { 'X-XSRFToken': xsrf } });
    if (answer.ok && !answer.redirected) {
      show(new DOMParser().parseFromString(await answer.text(), 'text/html'));
    }
  } catch {
    // The stream notices a lost connection too, and says so.
  } finally {
    busy = false;
    if (again) {
      again = false;
      refresh();
    }
  }
}

function show(fresh) {
  const before = new Set([...main.querySelectorAll('li[id]')].map(item => item.id));
  refreshTimes(fresh);
  Idiomorph.morph(main, fresh.getElementById('main'), { ignoreActiveValue: true, callbacks });
  document.title = fresh.title;
  for (const item of main.querySelectorAll('li[id]')) {
    if (!before.has(item.id)) {
      item.classList.add('baton-new');
    }
  }
}

function concerns(hint) {
  const handoff = main.querySelector('#handoff')?.dataset.handoff;
  return handoff === undefined || handoff === hint.handoff;
}

if (live) {
  const notice = document.getElementById('connection');
  let slow = 0;
  const stream = listen(live, {
    onHint: hint => {
      if (concerns(hint)) {
        document.getElementById('news').textContent = hint.text;
        refresh();
      }
    },
    // A hiccup is not worth a word; a loss is.
    onState: connected => {
      clearTimeout(slow);
      if (connected) {
        notice.hidden = true;
      } else {
        slow = setTimeout(() => (notice.hidden = false), 1500);
      }
    }
  });
  // A browser opens few connections to one host. The inbox counts in its title while
  // hidden; other pages let theirs go and catch up when they are looked at.
  let hidden = 0;
  document.addEventListener('visibilitychange', () => {
    clearTimeout(hidden);
    if (!document.hidden) {
      stream.resume();
    } else if (!main.querySelector('#inbox')) {
      hidden = setTimeout(stream.pause, 30000);
    }
  });
  addEventListener('pagehide', stream.pause);
  addEventListener('pageshow', event => event.persisted && refresh() && stream.resume());
}

// Times

refreshTimes();
setInterval(refreshTimes, 30000);

// Copying

async function copy(button) {
  const text = button.dataset.copy;
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
  } else {
    // Over plain http browsers have no clipboard for pages, only this.
    const field = Object.assign(document.createElement('textarea'), { value: text });
    document.body.append(field);
    field.select();
    document.execCommand('copy');
    field.remove();
    button.focus();
  }
  const icon = button.querySelector('.fa');
  icon.className = 'fa fa-check';
  document.getElementById('news').textContent = 'Copied';
  setTimeout(() => (icon.className = 'fa fa-copy'), 1500);
}

document.addEventListener('click', event => {
  const button = event.target.closest?.('[data-copy]');
  if (button) {
    copy(button);
  }
});

// Forms

document.addEventListener('change', event => event.target.form?.matches('[data-submit-on-change]') && event.target.form.requestSubmit());

document.addEventListener('submit', event => {
  if (event.target.dataset.sent) {
    event.preventDefault();
  }
  event.target.dataset.sent = 'yes';
});

addEventListener('pageshow', () => {
  for (const form of document.forms) {
    delete form.dataset.sent;
  }
});
