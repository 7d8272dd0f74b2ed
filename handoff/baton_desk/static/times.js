// Relative times that stay right while a page is open. The server renders the same words.

const SPANS = [
  [31536000, 'year'],
  [2592000, 'month'],
  [86400, 'day'],
  [3600, 'hour'],
  [60, 'minute']
];

function relative(moment, now) {
  const seconds = (moment - now) / 1000;
  for (const [span, name] of SPANS) {
    const count = Math.floor(Math.abs(seconds) / span);
    if (count) {
      const words = `${count} ${name}${count > 1 ? 's' : ''}`;
      return seconds > 0 ? `in ${words}` : `${words} ago`;
    }
  }
  return seconds <= 0 ? 'just now' : 'in a moment';
}

/** Bring every time below `root` up to date, exact in the reader's own zone on hover. */
export function refreshTimes(root = document) {
  for (const element of root.querySelectorAll('time[datetime]')) {
    const moment = new Date(element.dateTime);
    const words = relative(moment, Date.now());
    if (element.textContent !== words) {
      element.textContent = words;
    }
    element.title = moment.toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'long' });
  }
}
