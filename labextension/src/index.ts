import { commandsPlugin, notebooksPlugin } from './plugins/commands';
import { modelPlugin } from './plugins/model';
import { notificationsPlugin } from './plugins/notifications';
import { panelPlugin } from './plugins/panel';
import { serverPlugin } from './plugins/server';

export * from './tokens';

export default [
  modelPlugin,
  panelPlugin,
  commandsPlugin,
  notebooksPlugin,
  notificationsPlugin,
  serverPlugin
];
