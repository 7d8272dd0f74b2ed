import { LabIcon } from '@jupyterlab/ui-components';

import batonSvg from '../style/icons/baton.svg';
import batonUnreadSvg from '../style/icons/baton-unread.svg';

export const batonIcon = new LabIcon({ name: 'jupyter-baton:baton', svgstr: batonSvg });

export const batonUnreadIcon = new LabIcon({
  name: 'jupyter-baton:baton-unread',
  svgstr: batonUnreadSvg
});
