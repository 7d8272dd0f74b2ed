import { caretDownIcon, caretRightIcon, fileIcon, folderIcon } from '@jupyterlab/ui-components';
import React, { useEffect, useState } from 'react';

import type { IArtifact } from '../records';
import type { RunsModel } from '../runs';
import { useLocale } from './locale';
import { shortSize } from './numbers';
import { Fetched } from './parts';

/** What is in a folder of the open run's artifacts; folders in it are fetched when opened. */
export function ArtifactFolder(props: { path: string; runs: RunsModel }): React.JSX.Element | null {
  const { path, runs } = props;
  const { trans } = useLocale();
  const folder = runs.artifacts(path);
  useEffect(() => {
    void folder?.load();
  }, [folder]);
  if (!folder) {
    return null;
  }
  return (
    <Fetched resource={folder}>
      {items =>
        items.length ? (
          <ul className="jp-Baton-tree" aria-label={path || trans.__('Artifacts')}>
            {items.map(item => (
              <li key={item.path}>
                {item.is_dir ? <Folder item={item} runs={runs} /> : <File item={item} />}
              </li>
            ))}
          </ul>
        ) : (
          <p className="jp-Baton-quiet">{trans.__('Nothing here.')}</p>
        )
      }
    </Fetched>
  );
}

function Folder(props: { item: IArtifact; runs: RunsModel }): React.JSX.Element {
  const [isOpen, setOpen] = useState(false);
  const Caret = isOpen ? caretDownIcon : caretRightIcon;
  return (
    <>
      <button
        type="button"
        className="jp-Baton-treeItem"
        aria-expanded={isOpen}
        onClick={() => {
          setOpen(!isOpen);
        }}
      >
        <Caret.react tag="span" className="jp-Baton-icon" aria-hidden="true" />
        <folderIcon.react tag="span" className="jp-Baton-icon" aria-hidden="true" />
        <span className="jp-Baton-clip">{basename(props.item.path)}</span>
      </button>
      {isOpen ? <ArtifactFolder path={props.item.path} runs={props.runs} /> : null}
    </>
  );
}

function File(props: { item: IArtifact }): React.JSX.Element {
  const { item } = props;
  return (
    <div className="jp-Baton-treeItem">
      <span className="jp-Baton-icon" />
      <fileIcon.react tag="span" className="jp-Baton-icon" aria-hidden="true" />
      <span className="jp-Baton-clip" title={item.path}>
        {basename(item.path)}
      </span>
      {item.size === null ? null : <span className="jp-Baton-size">{shortSize(item.size)}</span>}
    </div>
  );
}

function basename(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
