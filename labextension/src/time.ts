import type { Moment } from './records';

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_557_600],
  ['month', 2_629_800],
  ['week', 604_800],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1]
];

/** Milliseconds since 1970. */
export function milliseconds(moment: Moment): number {
  return typeof moment === 'number' ? moment : Date.parse(moment);
}

/** "3 minutes ago", in the language given; the time to come is never shown for clocks that differ. */
export function relative(moment: Moment, now: number, language: string): string {
  const seconds = Math.max(0, (now - milliseconds(moment)) / 1000);
  const format = new Intl.RelativeTimeFormat(language, { numeric: 'auto', style: 'short' });
  const [unit, size] = UNITS.find(([, length]) => seconds >= length) ?? ['second', 1];
  return format.format(-Math.floor(seconds / size), unit);
}

/** The whole date and time, to the second, with the zone. */
export function exact(moment: Moment, language: string): string {
  const format = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'long' });
  return format.format(new Date(milliseconds(moment)));
}

/** "4.2 s", "3 min 10 s", "2 h 5 min". */
export function duration(from: Moment, to: Moment): string {
  const seconds = Math.max(0, (milliseconds(to) - milliseconds(from)) / 1000);
  if (seconds < 60) {
    return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  }
  const minutes = Math.floor(seconds / 60);
  return minutes < 60
    ? `${minutes} min ${Math.floor(seconds % 60)} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
