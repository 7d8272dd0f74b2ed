// Puts the one script of others that the desk's pages use where the desk serves it from.
import { copyFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const target = join(root, 'handoff', 'baton_desk', 'static', 'vendor');
const scripts = { 'idiomorph/dist/idiomorph.min.js': 'idiomorph.min.js' };

mkdirSync(target, { recursive: true });
for (const [source, name] of Object.entries(scripts)) {
  copyFileSync(join(root, 'node_modules', source), join(target, name));
}
