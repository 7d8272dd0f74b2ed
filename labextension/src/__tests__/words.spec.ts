import { nullTranslator } from '@jupyterlab/translation';

import { shortNumber, shortSize } from '../components/numbers';
import { nameFault, suggest } from '../dialogs/modelName';
import { parsePush } from '../push';
import { duration, relative } from '../time';
import { T0, push, registered } from './fake';

const trans = nullTranslator.load('jupyter_baton');

describe('Numbers and times', () => {
  it.each([
    [0.98245, '0.9825'],
    [455, '455'],
    [123.456789, '123.5'],
    [0.00004321, '4.321e-5'],
    [0, '0'],
    ['NaN', 'NaN'],
    [null, '–']
  ])('shortens %p to %s', (value, text) => {
    expect(shortNumber(value)).toBe(text);
  });

  it.each([
    [0, '0 B'],
    [2312, '2.3 KiB'],
    [1234567, '1.2 MiB']
  ])('gives %p bytes a unit: %s', (bytes, text) => {
    expect(shortSize(bytes)).toBe(text);
  });

  it('tells times as people do, and never in the future', () => {
    expect(relative(T0, T0 + 3 * 60_000, 'en')).toBe('3 min. ago');
    expect(relative('2026-01-02T03:04:05.000Z', T0 - 5000, 'en')).toBe('now');
    expect(duration(T0, T0 + 190_000)).toBe('3 min 10 s');
  });
});

describe('Names of models', () => {
  it('proposes the registered model that a run most likely continues', () => {
    const known = [registered('breast-cancer')];
    expect(suggest('classifier', 'breast-cancer', known)).toBe('breast-cancer');
    expect(suggest('classifier', 'new', [])).toBe('classifier');
    expect(suggest('model', 'some thing/else', [])).toBe('some-thing-else');
    expect(suggest('model', 'Default', [])).toBe('');
  });

  it("refuses what MLflow would refuse, in the person's words", () => {
    expect(nameFault('breast-cancer', trans)).toBeNull();
    expect(nameFault('  ', trans)).toContain('needs a name');
    expect(nameFault('a/b', trans)).toContain('neither');
  });
});

describe('Pushes', () => {
  it("takes Baton's events and leaves others'", () => {
    const mine = { ...push('runs'), schema_id: 'urn:baton:lab:push:1' };
    expect(parsePush(mine as never)?.kind).toBe('runs');
    expect(parsePush({ schema_id: 'other', kind: 'runs' })).toBeNull();
    expect(parsePush({ schema_id: 'urn:baton:lab:push:1', kind: 'new' })).toBeNull();
  });
});
