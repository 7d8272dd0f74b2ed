import { caretDownIcon, caretRightIcon, refreshIcon } from '@jupyterlab/ui-components';
import React, { useState } from 'react';

import type { IActions } from '../actions';
import type { Handoff } from '../contract';
import type { IModelVersion, IRegisteredModel } from '../records';
import type { Resource } from '../resource';
import type { Traces } from '../traces';
import { Audience, ShareButton } from './Audience';
import { useLocale } from './locale';
import { EmptyState, Fetched, Fold, IconButton, TextButton } from './parts';
import { HandoffStateWord } from './State';
import { TraceView } from './TraceView';
import { When } from './When';

/** What every view of a version needs besides it. */
interface ISurroundings {
  traces: Traces;
  user: string | null;
  isDown: boolean;
  actions: IActions;
}

/** The version's own facts stand above. */
const HIDDEN = ['version'] as const;

/** Registered models and their versions, newest first. */
export function ModelsView(
  props: ISurroundings & { models: Resource<IRegisteredModel[]>; handoffs: Handoff[] }
): React.JSX.Element {
  const { models, handoffs, ...surroundings } = props;
  const { actions, isDown } = surroundings;
  const { trans } = useLocale();
  return (
    <>
      <div className="jp-Baton-toolbar">
        <h2>{trans.__('Registered models')}</h2>
        <IconButton icon={refreshIcon} label={trans.__('Refresh')} onClick={actions.refresh} />
      </div>
      <Fetched resource={models} isExplained={isDown}>
        {list =>
          list.length ? (
            list.map((model, index) => (
              <Fold
                key={model.name}
                open={index === 0}
                title={model.name}
                count={model.versions.length}
                action={
                  <ShareButton
                    access={model.access}
                    user={surroundings.user}
                    what={trans.__('the model %1', model.name)}
                    onClick={() => {
                      actions.shareModel(model.name);
                    }}
                  />
                }
              >
                <Versions model={model} handoffs={handoffs} {...surroundings} />
              </Fold>
            ))
          ) : (
            <EmptyState
              text={trans.__(
                'A model that is worth keeping gets a name and a version here. Choose a run with a model and register it.'
              )}
              action={trans.__('Go to the runs')}
              onAction={() => {
                actions.show('runs');
              }}
            />
          )
        }
      </Fetched>
    </>
  );
}

function Versions(
  props: ISurroundings & { model: IRegisteredModel; handoffs: Handoff[] }
): React.JSX.Element {
  const { model, handoffs, ...surroundings } = props;
  const { trans } = useLocale();
  return (
    <>
      <Audience access={model.access} user={surroundings.user} />
      {model.description ? <p className="jp-Baton-quiet">{model.description}</p> : null}
      {model.versions.length ? (
        <ul className="jp-Baton-rows" aria-label={trans.__('Versions of %1', model.name)}>
          {model.versions.map((version, index) => (
            <li key={version.version}>
              <Version
                model={model.name}
                version={version}
                isNewest={index === 0}
                handoff={handoffs.find(
                  ({ model: of }) => of.name === model.name && of.version === version.version
                )}
                {...surroundings}
              />
            </li>
          ))}
        </ul>
      ) : (
        <p className="jp-Baton-quiet">{trans.__('It has no version yet.')}</p>
      )}
    </>
  );
}

function Version(
  props: ISurroundings & {
    model: string;
    version: IModelVersion;
    isNewest: boolean;
    handoff: Handoff | undefined;
  }
): React.JSX.Element {
  const { model, version, isNewest, handoff, traces, user, isDown, actions } = props;
  const { trans } = useLocale();
  const [isTraced, setTraced] = useState(false);
  const Caret = isTraced ? caretDownIcon : caretRightIcon;
  return (
    <>
      <div className="jp-Baton-row">
        <VersionFacts version={version} handoff={handoff} actions={actions} />
        <TextButton
          primary={isNewest}
          label={trans.__('Hand over %1 version %2', model, version.version)}
          disabled={version.status !== 'READY'}
          onClick={() => {
            actions.handOver(model, version.version);
          }}
        >
          {trans.__('Hand over')}
        </TextButton>
      </div>
      <button
        type="button"
        className="jp-Baton-treeItem"
        aria-expanded={isTraced}
        aria-label={trans.__('Where %1 version %2 comes from', model, version.version)}
        onClick={() => {
          setTraced(!isTraced);
        }}
      >
        <Caret.react tag="span" className="jp-Baton-icon" aria-hidden="true" />
        <span>{trans.__('Where it comes from')}</span>
      </button>
      {isTraced ? (
        <div className="jp-Baton-traced">
          <TraceView
            trace={traces.of({ model, version: version.version })}
            user={user}
            hidden={HIDDEN}
            isDown={isDown}
            actions={actions}
          />
        </div>
      ) : null}
    </>
  );
}

function VersionFacts(props: {
  version: IModelVersion;
  handoff: Handoff | undefined;
  actions: IActions;
}): React.JSX.Element {
  const { version, handoff, actions } = props;
  const { trans } = useLocale();
  const run = version.run_id;
  return (
    <div className="jp-Baton-rowText">
      <span className="jp-Baton-name jp-Baton-wrap">
        {trans.__('Version %1', version.version)}
        {version.aliases.map(alias => (
          <span key={alias} className="jp-Baton-chip" title={trans.__('Alias %1', alias)}>
            @{alias}
          </span>
        ))}
      </span>
      <span className="jp-Baton-itemMeta">
        {version.user ? <span title={version.user}>{version.user}</span> : null}
        <When moment={version.created_at} />
        {run ? (
          <button
            type="button"
            className="jp-Baton-link"
            onClick={() => {
              actions.showRun(run);
            }}
          >
            {trans.__('Show run')}
          </button>
        ) : null}
      </span>
      {version.status === 'READY' ? null : (
        <span className="jp-Baton-quiet">
          {version.status === 'PENDING_REGISTRATION'
            ? trans.__('Still being registered.')
            : trans.__('Registering failed; register the model again.')}
        </span>
      )}
      {handoff ? (
        <button
          type="button"
          className="jp-Baton-link jp-Baton-stateLink"
          title={trans.__('Show the handoff to %1', handoff.team)}
          onClick={() => {
            actions.showHandoff(handoff.id);
          }}
        >
          <HandoffStateWord state={handoff.state} />
          <span className="jp-Baton-clip">{handoff.team}</span>
        </button>
      ) : null}
    </div>
  );
}
