import React, { useState } from 'react';

import { asBatonError } from '../resource';
import type { Comment } from '../contract';
import { useLocale } from './locale';
import { TextButton } from './parts';
import { When } from './When';

const LONGEST = 4000;

/** Questions and answers, oldest first, and a box to reply in. What is typed stays until it is sent. */
export function Thread(props: {
  comments: Comment[];
  canReply: boolean;
  onSend: (body: string) => Promise<void>;
}): React.JSX.Element {
  const { trans } = useLocale();
  return (
    <>
      {props.comments.length ? (
        <ol className="jp-Baton-rows" aria-label={trans.__('Thread')}>
          {props.comments.map(comment => (
            <li key={comment.id} className="jp-Baton-block">
              <p className="jp-Baton-itemTop">
                <span className="jp-Baton-name" title={comment.author}>
                  {comment.author}
                </span>
                <When moment={comment.created_at} />
              </p>
              <p className="jp-Baton-prose">{comment.body}</p>
            </li>
          ))}
        </ol>
      ) : (
        <p className="jp-Baton-quiet">{trans.__('Nobody wrote yet.')}</p>
      )}
      {props.canReply ? <Reply onSend={props.onSend} /> : null}
    </>
  );
}

function Reply(props: { onSend: (body: string) => Promise<void> }): React.JSX.Element {
  const { trans } = useLocale();
  const [body, setBody] = useState('');
  const [isSending, setSending] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const send = async (): Promise<void> => {
    if (!body.trim() || isSending) {
      return;
    }
    setSending(true);
    setError(null);
    try {
      await props.onSend(body.trim());
      setBody('');
    } catch (reason) {
      setError(asBatonError(reason).message);
    } finally {
      setSending(false);
    }
  };
  return (
    <form
      className="jp-Baton-reply"
      onSubmit={event => {
        event.preventDefault();
        void send();
      }}
    >
      <textarea
        className="jp-mod-styled jp-Baton-text"
        aria-label={trans.__('Reply')}
        placeholder={trans.__('Reply')}
        rows={2}
        maxLength={LONGEST}
        value={body}
        onChange={event => {
          setBody(event.target.value);
        }}
        onKeyDown={event => {
          if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
            event.preventDefault();
            void send();
          }
        }}
      />
      {error === null ? null : (
        <p className="jp-Baton-error" role="alert">
          {error}
        </p>
      )}
      <TextButton disabled={!body.trim() || isSending} onClick={() => void send()}>
        {trans.__('Send')}
      </TextButton>
    </form>
  );
}
