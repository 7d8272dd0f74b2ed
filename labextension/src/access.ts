import type { Audience, IAccess } from './records';

/** Who sees it beside its owner: who may change it, too. Where nothing is said, everybody. */
export function readersOf(access: IAccess): Audience {
  const [read, write] = [access.read ?? 'everybody', writersOf(access)];
  return read === 'everybody' || write === 'everybody' ? 'everybody' : union(read, write);
}

/** Who may change it beside its owner. Where nothing is said, as on what is older, everybody. */
export function writersOf(access: IAccess): Audience {
  return access.write ?? 'everybody';
}

export function isPrivate(access: IAccess): boolean {
  return readersOf(access) !== 'everybody';
}

export function union(some: string[], others: string[]): string[] {
  return [...new Set([...some, ...others])].sort();
}
