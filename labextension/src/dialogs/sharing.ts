import { readersOf, union, writersOf } from '../access';
import type { Audience, IAccess, IAccessChange } from '../records';

/** Whom the form lets see it. */
export type Readers = 'everybody' | 'groups' | 'me';

/** What the form for who may see and change something holds. */
export interface ISharing {
  readers: Readers;
  /** Groups that see it, where only some do; who may change it is among them. */
  read: string[];
  write: Audience;
}

/** What the form starts from. */
export function sharingOf(access: IAccess): ISharing {
  const [read, write] = [readersOf(access), writersOf(access)];
  return read === 'everybody'
    ? { readers: read, read: [], write }
    : { readers: read.length ? 'groups' : 'me', read, write };
}

/** What is asked of the server. */
export function changeOf({ readers, read, write }: ISharing): IAccessChange {
  switch (readers) {
    case 'everybody':
      return { read: 'everybody', write };
    case 'groups':
      return { read, write };
    case 'me':
      return { read: [], write: [] };
  }
}

/** The same, once others are to see it. */
export function withReaders(value: ISharing, readers: Readers): ISharing {
  const { read, write } = value;
  if (readers !== 'groups') {
    return { readers, read, write };
  }
  const groups = write === 'everybody' ? [] : write;
  return { readers, read: union(read, groups), write: groups };
}

/** The same, once other groups are to see it: who doesn't see it doesn't change it. */
export function withRead(value: ISharing, read: Audience): ISharing {
  if (read === 'everybody') {
    return withReaders(value, read);
  }
  const write =
    value.write === 'everybody' ? [] : value.write.filter(group => read.includes(group));
  return { ...value, read, write };
}

/** The same, once others are to change it: who changes it sees it. */
export function withWrite(value: ISharing, write: Audience): ISharing {
  return withReaders({ ...value, write }, value.readers);
}
