import jupyter from '@jupyter/eslint-plugin';
import prettier from 'eslint-config-prettier';
import hooks from 'eslint-plugin-react-hooks';
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

// The plugin warns where it recommends; here whatever it finds fails the check.
const strict = config => ({
  ...config,
  plugins: { jupyter },
  rules: Object.fromEntries(Object.keys(config.rules ?? {}).map(rule => [rule, 'error']))
});

export default defineConfig(
  { ignores: ['labextension/lib/**', 'labextension/src/contract.ts'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  ...jupyter.configs.recommended.map(strict),
  {
    files: ['labextension/src/**/*.{ts,tsx}'],
    extends: [
      tseslint.configs.strictTypeChecked,
      tseslint.configs.stylisticTypeChecked,
      hooks.configs.flat.recommended
    ],
    languageOptions: {
      parserOptions: { project: './tsconfig.test.json', tsconfigRootDir: import.meta.dirname }
    },
    rules: {
      eqeqeq: 'error',
      curly: 'error',
      'prefer-arrow-callback': 'error',
      // The sidebar, its commands and what they show have to be there once JupyterLab has started.
      'jupyter/prefer-lazy-imports': [
        'error',
        { ignoreImports: ['../api', '../commands/*', '../model', '../panel', '../panelActions'] }
      ],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/naming-convention': [
        'error',
        {
          selector: 'interface',
          format: ['PascalCase'],
          custom: { regex: '^I[A-Z]', match: true }
        },
        {
          selector: 'classProperty',
          modifiers: ['private'],
          format: ['camelCase'],
          leadingUnderscore: 'require'
        }
      ]
    }
  },
  prettier
);
