import { nullTranslator } from '@jupyterlab/translation';

import { BatonError } from '../api';
import { BatonModel } from '../model';
import type { IServer } from '../records';
import type { IMemory } from '../warnings';
import { ServerWarnings } from '../warnings';
import { FakeClient, push, settle, standing } from './fake';

const trans = nullTranslator.load('jupyter_baton');
const NOON = new Date(2026, 0, 2, 12, 0).getTime();
const RETIRING = { kind: 'retiring', text: 'This profile is being retired.' } as const;

class Memory implements IMemory {
  private readonly _kept = new Map<string, string>();

  getItem(key: string): string | null {
    return this._kept.get(key) ?? null;
  }

  setItem(key: string, value: string): void {
    this._kept.set(key, value);
  }
}

function listening(
  now: IServer | null,
  memory: IMemory = new Memory()
): { model: BatonModel; client: FakeClient; told: string[]; warnings: ServerWarnings } {
  const client = new FakeClient();
  client.serverNow = now;
  const model = new BatonModel(client);
  const told: string[] = [];
  const teller = {
    warn: (message: string) => told.push(message),
    calm: () => told.push('calm'),
    notify: (notice: { text: string }) => told.push(notice.text)
  };
  const warnings = new ServerWarnings({
    model,
    teller,
    memory,
    trans,
    language: 'en-GB',
    now: () => NOON
  });
  return { model, client, told, warnings };
}

describe('ServerWarnings', () => {
  it('tells when the server stops, and takes it back when somebody came', () => {
    const { model, told } = listening(standing());
    model.receive(push('server', { server: { stops_at: NOON + 600_000 } }));
    model.receive(push('server', { server: { stops_at: null } }));
    expect(told).toEqual(['This server stops at 12:10 unless you use it.', 'calm']);
  });

  it('tells a page that is opened during the warning', async () => {
    const { told, warnings } = listening(standing({ stops_at: NOON + 60_000 }));
    await warnings.begin();
    expect(told).toEqual(['This server stops at 12:01 unless you use it.']);
  });

  it('tells what the profile faces once a start of the server', async () => {
    const memory = new Memory();
    const first = listening(standing({ notices: [RETIRING] }), memory);
    await first.warnings.begin();
    expect(first.told).toContain(RETIRING.text);
    const reloaded = listening(standing({ notices: [RETIRING] }), memory);
    await reloaded.warnings.begin();
    expect(reloaded.told).not.toContain(RETIRING.text);
    const again = standing({ notices: [RETIRING] });
    const restarted = listening(
      { ...again, server: again.server && { ...again.server, id: 's2' } },
      memory
    );
    await restarted.warnings.begin();
    expect(restarted.told).toContain(RETIRING.text);
  });

  it.each([null, standing()])('says nothing when there is nothing to say', async now => {
    const { told, warnings } = listening(now);
    await warnings.begin();
    expect(told.filter(text => text !== 'calm')).toEqual([]);
  });

  it('leaves it to the panel to say that the Hub does not answer', async () => {
    const { client, told, warnings } = listening(standing());
    client.failure = new BatonError('hub_unavailable', 'The Hub does not answer.');
    await warnings.begin();
    await settle();
    expect(told).toEqual([]);
  });
});
