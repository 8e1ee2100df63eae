import { type GrubCommand, splitGrubCommands } from './split-grub-commands.ts';

/** A `search` command: how GRUB finds the filesystem to read from. */
export interface GrubSearch {
  readonly by: 'fs-uuid' | 'label' | 'file';
  readonly value: string;
  /** The words that begin with `--hint`, as written. */
  readonly hints: readonly string[];
}

export interface GrubEntry {
  readonly title: string;
  /** What `--id` or `$menuentry_id_option` gives it; empty when nothing does. */
  readonly id: string;
  /** Position in its menu; entries in submenus have one number for each level. */
  readonly position: readonly number[];
  /** Titles of the submenus that it lies in, outermost first. */
  readonly submenus: readonly string[];
  /** Path of the kernel as GRUB sees it: from the top of the filesystem that it searched for. */
  readonly kernel?: string;
  readonly arguments: readonly string[];
  readonly initrds: readonly string[];
  readonly searches: readonly GrubSearch[];
  /** `set root=`, last one. */
  readonly root?: string;
  /** `insmod`, in order. */
  readonly modules: readonly string[];
}

export interface GrubMenu {
  readonly entries: readonly GrubEntry[];
  /** What starts when nobody chooses, if that can be told. */
  readonly defaultEntry?: GrubEntry;
  /** What cannot be told from this file alone: other files that it reads. */
  readonly unread: readonly string[];
}

type Writable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer E)[] ? E[] : T[K] };
type Block =
  | { readonly kind: 'entry'; readonly entry: Writable<GrubEntry> }
  | { readonly kind: 'submenu'; readonly menu: Menu }
  | { readonly kind: 'other' };
interface Menu {
  readonly title: string;
  readonly id: string;
  readonly position: readonly number[];
  readonly titles: readonly string[];
  readonly items: (Menu | GrubEntry)[];
}

const maximumEntries = 10_000;
const maximumDepth = 16;

/**
 * Reads the menu of a grub.cfg as grub-mkconfig writes it. Conditions are not evaluated: both branches count.
 * @param environment the variables of grubenv, `saved_entry` and `next_entry` among them.
 */
export function parseGrubMenu(text: string, environment: ReadonlyMap<string, string>): GrubMenu {
  const top: Menu = { title: '', id: '', position: [], titles: [], items: [] };
  const entries: GrubEntry[] = [];
  const unread: string[] = [];
  const blocks: Block[] = [];
  let defaults: string[] = [];
  let opening: Block = { kind: 'other' };
  for (const command of splitGrubCommands(text)) {
    const [name = ''] = command;
    const menu = innermostMenu(blocks) ?? top;
    if (name === '{') {
      if (blocks.length === maximumDepth) break;
      blocks.push(opening);
      opening = { kind: 'other' };
    } else if (name === '}') {
      blocks.pop();
    } else if (name === 'menuentry' && entries.length < maximumEntries) {
      const entry = newEntry(command, menu);
      menu.items.push(entry);
      entries.push(entry);
      opening = { kind: 'entry', entry };
    } else if (name === 'submenu') {
      const inner = newMenu(command, menu);
      menu.items.push(inner);
      opening = { kind: 'submenu', menu: inner };
    } else {
      opening = { kind: 'other' };
      const block = blocks.findLast(({ kind }) => kind === 'entry');
      if (block?.kind === 'entry') addToEntry(block.entry, command);
      else if (name === 'set' && command[1]?.startsWith('default=')) {
        defaults = [...defaults.slice(-9), command[1].slice('default='.length)];
      } else if (/^(?:blscfg|configfile|source|\.)$/.test(name)) unread.push(command.join(' ').slice(0, 200));
    }
  }
  const defaultEntry = chooseDefault(top, defaults, environment);
  return { entries, unread, ...(defaultEntry && { defaultEntry }) };
}

function innermostMenu(blocks: readonly Block[]): Menu | undefined {
  const block = blocks.findLast(({ kind }) => kind === 'submenu');
  return block?.kind === 'submenu' ? block.menu : undefined;
}

function newEntry(command: GrubCommand, menu: Menu): Writable<GrubEntry> {
  return {
    title: command[1] ?? '',
    id: idOf(command),
    position: [...menu.position, menu.items.length],
    submenus: [...menu.titles],
    arguments: [],
    initrds: [],
    searches: [],
    modules: [],
  };
}

function newMenu(command: GrubCommand, menu: Menu): Menu {
  const title = command[1] ?? '';
  const position = [...menu.position, menu.items.length];
  return { title, id: idOf(command), position, titles: [...menu.titles, title], items: [] };
}

function idOf(command: GrubCommand): string {
  const option = command.findIndex((word) => word === '--id' || /^\$\{?menuentry_id_option\}?$/.test(word));
  if (option !== -1) return command[option + 1] ?? '';
  return command.find((word) => word.startsWith('--id='))?.slice('--id='.length) ?? '';
}

function addToEntry(entry: Writable<GrubEntry>, command: GrubCommand): void {
  // `if CONDITION` and `then` stand before commands that count.
  const words = command[0] === 'then' || command[0] === 'else' ? command.slice(1) : command;
  const [name = '', first, ...rest] = words;
  if (/^linux(?:16|efi)?$/.test(name) && first !== undefined) {
    entry.kernel = first;
    entry.arguments = rest;
  } else if (/^initrd(?:16|efi)?$/.test(name) && first !== undefined) {
    entry.initrds = [first, ...rest];
  } else if (name === 'insmod' && first !== undefined) {
    entry.modules.push(first);
  } else if (name === 'set' && first?.startsWith('root=')) {
    entry.root = first.slice('root='.length);
  } else if (name === 'search') {
    const search = searchOf(words);
    if (search !== undefined) entry.searches.push(search);
  }
}

function searchOf(words: GrubCommand): GrubSearch | undefined {
  const hints = words.filter((word) => word.startsWith('--hint'));
  const value = words.slice(1).findLast((word) => !word.startsWith('-'));
  if (value === undefined) return undefined;
  const has = (...options: readonly string[]) => words.some((word) => options.includes(word));
  if (has('--fs-uuid', '-u')) return { by: 'fs-uuid', value, hints };
  if (has('--label', '-l')) return { by: 'label', value, hints };
  return { by: 'file', value, hints };
}

/** grub-mkconfig writes `set default="${next_entry}"` for one start, and the lasting choice after it. */
function chooseDefault(
  top: Menu,
  defaults: readonly string[],
  environment: ReadonlyMap<string, string>,
): GrubEntry | undefined {
  const once = environment.get('next_entry') ?? '';
  const usesOnce = defaults.some((value) => value === '${next_entry}');
  const lasting = defaults.findLast((value) => value !== '${next_entry}') ?? '0';
  const choice = usesOnce && once !== '' ? once : expand(lasting, environment);
  return entryOf(top, choice === '' ? '0' : choice);
}

function expand(value: string, environment: ReadonlyMap<string, string>): string {
  return value.replace(/\$\{?(\w+)\}?/g, (_, name: string) => environment.get(name) ?? '');
}

/** A choice is a number, an id or a title; `>` leads into a submenu. */
function entryOf(top: Menu, choice: string): GrubEntry | undefined {
  let item: Menu | GrubEntry | undefined = top;
  // A title may itself hold the sign, so the whole choice is tried first.
  for (const step of top.items.some((it) => it.title === choice) ? [choice] : choice.split('>')) {
    if (!('items' in item)) return item;
    item = stepInto(item, step);
    if (item === undefined) return undefined;
  }
  for (let depth = 0; 'items' in item && depth < maximumDepth; depth += 1) {
    item = item.items[0];
    if (item === undefined) return undefined;
  }
  return 'items' in item ? undefined : item;
}

function stepInto(menu: Menu, step: string): Menu | GrubEntry | undefined {
  const named = menu.items.find((item) => item.title === step || (item.id !== '' && item.id === step));
  if (named !== undefined) return named;
  // GRUB falls back to the first entry when there is no such number or name.
  return (/^[0-9]{1,5}$/.test(step) ? menu.items[Number(step)] : undefined) ?? menu.items[0];
}
