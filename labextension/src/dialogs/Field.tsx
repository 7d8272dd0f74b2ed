import React, { useId } from 'react';

/** A labelled input with a hint, and a fault once there is one. */
export function Field(props: {
  label: string;
  hint?: string | undefined;
  fault?: string | null;
  children: (ids: {
    id: string;
    'aria-describedby': string;
    'aria-invalid': boolean;
  }) => React.ReactNode;
}): React.JSX.Element {
  const id = useId();
  const about = `${id}-about`;
  const fault = props.fault ?? null;
  return (
    <div className="jp-Baton-field">
      <label htmlFor={id}>{props.label}</label>
      {props.children({ id, 'aria-describedby': about, 'aria-invalid': fault !== null })}
      <span
        id={about}
        className={fault === null ? 'jp-Baton-hint' : 'jp-Baton-error'}
        role={fault === null ? undefined : 'alert'}
      >
        {fault ?? props.hint ?? ''}
      </span>
    </div>
  );
}
