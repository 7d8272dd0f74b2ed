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

/** A clock's time such as "14:20"; with the day when it is another one than now's. */
export function clock(moment: Moment, now: number, language: string): string {
  const date = new Date(milliseconds(moment));
  const isToday = date.toDateString() === new Date(now).toDateString();
  const format = new Intl.DateTimeFormat(
    language,
    isToday ? { timeStyle: 'short' } : { dateStyle: 'medium', timeStyle: 'short' }
  );
  return format.format(date);
}

/** A length of time as people say it: "45 minutes", "8 hours", "2 days". */
export function span(seconds: number, language: string): string {
  const [unit, size] = UNITS.find(([, length]) => seconds >= length && seconds % length === 0) ?? [
    'second',
    1
  ];
  const format = new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'long' });
  return format.format(Math.round(seconds / size));
}
