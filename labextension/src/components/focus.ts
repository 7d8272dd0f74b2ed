import type { RefObject } from 'react';
import { useEffect, useRef } from 'react';

/**
 * Keep the focus in `body` when its view gives way to another one, with what had it: it goes to
 * the item that had it when that view was last shown, else to the first button.
 *
 * @param view - Names the view, and what it is of. An item is what has a `data-item`.
 */
export function useKeptFocus(body: RefObject<HTMLElement>, view: string): void {
  const items = useRef(new Map<string, string>());
  const last = useRef(view);
  useEffect(() => {
    const node = body.current;
    const isOther = last.current !== view;
    last.current = view;
    if (node && isOther && document.activeElement === document.body) {
      const kept = [...node.querySelectorAll<HTMLElement>('[data-item]')].find(
        item => item.dataset['item'] === items.current.get(view)
      );
      (kept ?? node.querySelector('button'))?.focus();
    }
    const remember = (event: FocusEvent): void => {
      const { item } = (event.target as HTMLElement).dataset;
      if (item !== undefined) {
        items.current.set(view, item);
      }
    };
    node?.addEventListener('focusin', remember);
    return () => {
      node?.removeEventListener('focusin', remember);
    };
  }, [body, view]);
}
