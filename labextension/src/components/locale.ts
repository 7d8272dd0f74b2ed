import type { TranslationBundle } from '@jupyterlab/translation';
import { nullTranslator } from '@jupyterlab/translation';
import { createContext, useContext } from 'react';

/** In which words, and as of when, the panel speaks. */
export interface ILocale {
  trans: TranslationBundle;
  /** A BCP 47 tag. */
  language: string;
  /** Milliseconds since 1970; relative times are told from here. */
  now: number;
}

export const Locale = createContext<ILocale>({
  trans: nullTranslator.load('jupyter_baton'),
  language: 'en',
  now: 0
});

export function useLocale(): ILocale {
  return useContext(Locale);
}
