import { LabIcon } from '@jupyterlab/ui-components';

import backSvg from '../style/icons/back.svg';
import batonSvg from '../style/icons/baton.svg';
import batonUnreadSvg from '../style/icons/baton-unread.svg';
import crossSvg from '../style/icons/cross.svg';

export const batonIcon = new LabIcon({ name: 'jupyter-baton:baton', svgstr: batonSvg });

export const batonUnreadIcon = new LabIcon({
  name: 'jupyter-baton:baton-unread',
  svgstr: batonUnreadSvg
});

/** The way back from a detail. */
export const backIcon = new LabIcon({ name: 'jupyter-baton:back', svgstr: backSvg });

/** What failed or was refused; JupyterLab's own close icon turns into a disc. */
export const crossIcon = new LabIcon({ name: 'jupyter-baton:cross', svgstr: crossSvg });
