import React from 'react';

import type { Moment } from '../records';
import { exact, relative } from '../time';
import { useLocale } from './locale';

/** A time as people say it, with the exact one on hover. */
export function When(props: { moment: Moment | null }): React.JSX.Element | null {
  const { language, now } = useLocale();
  if (props.moment === null) {
    return null;
  }
  return (
    <time
      className="jp-Baton-when"
      dateTime={new Date(props.moment).toISOString()}
      title={exact(props.moment, language)}
    >
      {relative(props.moment, now, language)}
    </time>
  );
}
