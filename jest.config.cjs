const jupyterlab = require('@jupyterlab/testing/lib/jest-config');

const base = jupyterlab(__dirname);

module.exports = {
  ...base,
  reporters: ['default'],
  roots: ['<rootDir>/labextension/src'],
  testRegex: '/__tests__/.*\\.spec\\.tsx?$',
  // JupyterLab's own list takes its packages for CommonJS, which outside its repository they are not.
  transformIgnorePatterns: base.transformIgnorePatterns.map(pattern =>
    pattern.replace('(?!', '(?!@jupyterlab/|@microsoft/|@rjsf/|')
  ),
  transform: {
    ...base.transform,
    // `npm run lint` checks the tests' types; here they are only taken away.
    '^.+\\.tsx?$': [
      'ts-jest/legacy',
      {
        tsconfig: {
          esModuleInterop: true,
          isolatedModules: true,
          jsx: 'react',
          module: 'commonjs',
          target: 'ES2022'
        }
      }
    ]
  }
};
