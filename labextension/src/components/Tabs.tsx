import React, { useRef } from 'react';

export interface ITab<T extends string> {
  id: T;
  label: string;
  /** How much is new behind it; 0 shows nothing. */
  unread: number;
}

/** Tabs as WAI-ARIA has them: one tab stop, arrow keys move. */
export function Tabs<T extends string>(props: {
  prefix: string;
  label: string;
  unreadLabel: (count: number) => string;
  tabs: ITab<T>[];
  selected: T;
  onSelect: (id: T) => void;
}): React.JSX.Element {
  const { tabs, selected, onSelect, prefix } = props;
  const list = useRef<HTMLDivElement>(null);
  const move = (event: React.KeyboardEvent): void => {
    const steps: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1 };
    const step = steps[event.key];
    const from = tabs.findIndex(tab => tab.id === selected);
    const to = tabs[(from + (step ?? 0) + tabs.length) % tabs.length];
    if (step !== undefined && to) {
      event.preventDefault();
      onSelect(to.id);
      list.current?.querySelector<HTMLElement>(`#${prefix}-tab-${to.id}`)?.focus();
    }
  };
  return (
    <div
      ref={list}
      className="jp-Baton-tabs"
      role="tablist"
      aria-label={props.label}
      onKeyDown={move}
    >
      {tabs.map(tab => (
        <button
          key={tab.id}
          type="button"
          role="tab"
          id={`${prefix}-tab-${tab.id}`}
          className="jp-Baton-tab"
          aria-selected={tab.id === selected}
          aria-controls={`${prefix}-body`}
          tabIndex={tab.id === selected ? 0 : -1}
          onClick={() => {
            onSelect(tab.id);
          }}
        >
          {tab.label}
          {tab.unread > 0 ? (
            <span className="jp-Baton-unread" title={props.unreadLabel(tab.unread)}>
              {tab.unread}
            </span>
          ) : null}
        </button>
      ))}
    </div>
  );
}
