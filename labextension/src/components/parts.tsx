import type { LabIcon } from '@jupyterlab/ui-components';
import { Button, caretDownIcon, caretRightIcon, copyIcon } from '@jupyterlab/ui-components';
import React, { useState } from 'react';

import type { BatonError } from '../api';
import { backIcon } from '../icons';
import type { Resource } from '../resource';
import { useLocale } from './locale';

/** A button that is only an icon; the label says what it does. */
export function IconButton(props: {
  icon: LabIcon;
  label: string;
  onClick: () => void;
  disabled?: boolean;
}): React.JSX.Element {
  const { icon: Icon } = props;
  return (
    <Button
      minimal
      type="button"
      className="jp-Baton-iconButton"
      title={props.label}
      aria-label={props.label}
      disabled={props.disabled}
      onClick={props.onClick}
    >
      <Icon.react tag="span" className="jp-Baton-icon" aria-hidden="true" />
    </Button>
  );
}

/** A button with words. At most one a view is primary. */
export function TextButton(props: {
  children: React.ReactNode;
  onClick: () => void;
  primary?: boolean;
  disabled?: boolean;
  title?: string;
  label?: string;
}): React.JSX.Element {
  return (
    <Button
      type="button"
      className={`jp-mod-styled jp-Baton-button ${props.primary ? 'jp-mod-accept' : 'jp-Baton-secondary'}`}
      title={props.title}
      aria-label={props.label}
      disabled={props.disabled}
      onClick={props.onClick}
    >
      {props.children}
    </Button>
  );
}

/** A link to another page, in its own tab. */
export function OutLink(props: { href: string; children: React.ReactNode }): React.JSX.Element {
  return (
    <a className="jp-Baton-link" href={props.href} target="_blank" rel="noopener noreferrer">
      {props.children}
    </a>
  );
}

/** What a view says while it has nothing: the next step in a sentence, with one button. */
export function EmptyState(props: {
  text: string;
  action: string;
  onAction: () => void;
}): React.JSX.Element {
  return (
    <div className="jp-Baton-empty">
      <p>{props.text}</p>
      <TextButton primary onClick={props.onAction}>
        {props.action}
      </TextButton>
    </div>
  );
}

/** Why something could not be fetched, with a way to try again. */
export function Failure(props: { error: BatonError; onRetry: () => void }): React.JSX.Element {
  const { trans } = useLocale();
  return (
    <div className="jp-Baton-failure" role="alert">
      <p>{props.error.message}</p>
      <TextButton onClick={props.onRetry}>{trans.__('Try again')}</TextButton>
    </div>
  );
}

/** The value of a resource, or, as long as there is none, why. Keeps its place while loading. */
export function Fetched<T>(props: {
  resource: Resource<T>;
  /** Whether a banner says already why nothing comes. */
  isExplained?: boolean;
  children: (value: T) => React.ReactNode;
}): React.JSX.Element | null {
  const { trans } = useLocale();
  const { value, error } = props.resource;
  const failure =
    error && !props.isExplained ? (
      <Failure error={error} onRetry={() => void props.resource.load()} />
    ) : null;
  if (value === null && props.isExplained) {
    return null;
  }
  if (value === null) {
    return failure ?? <p className="jp-Baton-loading">{trans.__('Loading…')}</p>;
  }
  return (
    <>
      {failure}
      {props.children(value)}
    </>
  );
}

/** A part with a heading that folds. */
export function Fold(props: {
  title: string;
  count?: number;
  /** What it holds, in a few words; shown while it is folded. */
  summary?: string;
  open?: boolean;
  /** What can be done with it, beside the heading. */
  action?: React.ReactNode;
  children: React.ReactNode;
}): React.JSX.Element {
  const [isOpen, setOpen] = useState(props.open ?? false);
  const Caret = isOpen ? caretDownIcon : caretRightIcon;
  return (
    <section className="jp-Baton-fold">
      <div className="jp-Baton-foldHead">
        <h3>
          <button
            type="button"
            className="jp-Baton-foldButton"
            aria-expanded={isOpen}
            onClick={() => {
              setOpen(!isOpen);
            }}
          >
            <Caret.react tag="span" className="jp-Baton-icon" aria-hidden="true" />
            <span title={props.title}>{props.title}</span>
            {props.count === undefined ? null : (
              <span className="jp-Baton-count">{props.count}</span>
            )}
            {props.summary && !isOpen ? (
              <span className="jp-Baton-foldSummary" title={props.summary}>
                {props.summary}
              </span>
            ) : null}
          </button>
        </h3>
        {props.action}
      </div>
      {isOpen ? <div className="jp-Baton-foldBody">{props.children}</div> : null}
    </section>
  );
}

/** Names and values in two columns; what is too long, or shortened, is whole on hover. */
export function Facts(props: {
  entries: [name: string, value: string, whole?: string][];
  numeric?: boolean;
}): React.JSX.Element {
  const { trans } = useLocale();
  if (!props.entries.length) {
    return <p className="jp-Baton-quiet">{trans.__('None.')}</p>;
  }
  return (
    <dl className={`jp-Baton-facts${props.numeric ? ' jp-mod-numeric' : ''}`}>
      {props.entries.map(([name, value, whole]) => (
        <div key={name} className="jp-Baton-fact">
          <dt title={name}>{name}</dt>
          <dd title={whole ?? value}>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** A digest, shortened; whole on hover and when it is copied. */
export function Sha(props: {
  digest: string;
  shown: string;
  onCopy: (digest: string) => void;
}): React.JSX.Element {
  const { trans } = useLocale();
  return (
    <span className="jp-Baton-digest">
      <code title={props.digest}>{props.shown}</code>
      <IconButton
        icon={copyIcon}
        label={trans.__('Copy the digest')}
        onClick={() => {
          props.onCopy(props.digest);
        }}
      />
    </span>
  );
}

/** The top of a detail view: the way back, and what it is about. */
export function DetailHeader(props: {
  back: string;
  title: string;
  onBack: () => void;
  children?: React.ReactNode;
}): React.JSX.Element {
  return (
    <div className="jp-Baton-detailHeader">
      <IconButton icon={backIcon} label={props.back} onClick={props.onBack} />
      <h2 title={props.title}>{props.title}</h2>
      {props.children}
    </div>
  );
}
