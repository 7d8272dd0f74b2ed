// Puts the three scripts that the desk's pages use where the desk serves them from.
import { copyFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const target = join(root, 'handoff', 'baton_desk', 'static', 'vendor');
const scripts = {
  'htmx.org/dist/htmx.min.js': 'htmx.min.js',
  'htmx-ext-sse/dist/sse.min.js': 'sse.js',
  'idiomorph/dist/idiomorph-ext.min.js': 'idiomorph-ext.min.js'
};

mkdirSync(target, { recursive: true });
for (const [source, name] of Object.entries(scripts)) {
  copyFileSync(join(root, 'node_modules', source), join(target, name));
}
