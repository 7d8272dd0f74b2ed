import type { TranslationBundle } from '@jupyterlab/translation';

const SIGNIFICANT = 4;

/** A metric as people compare it: four digits, exponents only where needed; MLflow's NaN stays. */
export function shortNumber(value: number | string | null): string {
  if (typeof value !== 'number') {
    return value ?? '–';
  }
  if (Number.isInteger(value) && Math.abs(value) < 1e9) {
    return String(value);
  }
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-4 || size >= 1e9)
    ? value.toExponential(SIGNIFICANT - 1)
    : value.toFixed(Math.max(0, Math.min(4, SIGNIFICANT - Math.floor(Math.log10(size || 1)) - 1)));
}

/** A metric with all its digits. */
export function wholeNumber(value: number | string | null, trans: TranslationBundle): string {
  return value === null ? trans.__('Not a finite number') : String(value);
}

/** Bytes with a unit. */
export function shortSize(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(bytes, 1)) / 10));
  const scaled = bytes / 2 ** (10 * power);
  return `${power === 0 || scaled >= 100 ? Math.round(scaled) : scaled.toFixed(1)} ${units[power] ?? ''}`;
}
