import { SaxesParser } from 'saxes';

/** One element of a document; comments and processing instructions are not kept. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly XmlElement[];
  /** Of the element itself, without that of its children. */
  readonly text: string;
}

export interface XmlLimits {
  readonly mostCharacters: number;
  /** Makes the error to throw; `found` is the second half of a sentence that begins with "Expected ..., but". */
  readonly refuse: (found: string) => Error;
}

const deepest = 64;

interface OpenElement extends XmlElement {
  readonly children: OpenElement[];
  text: string;
}

/** Reads a small document. Entities are those of XML alone: a document cannot define any. @throws what `refuse` makes */
export function parseXml(xml: string, { mostCharacters, refuse }: XmlLimits): XmlElement {
  if (xml.length > mostCharacters) throw refuse(`its description has ${xml.length} characters`);
  const root: OpenElement = { name: '', attributes: {}, children: [], text: '' };
  const open = [root];
  const parser = new SaxesParser();
  parser.on('error', (error) => {
    throw refuse(`its description is no XML: ${error.message}`);
  });
  parser.on('opentag', ({ name, attributes }) => {
    const element: OpenElement = { name, attributes, children: [], text: '' };
    open.at(-1)?.children.push(element);
    open.push(element);
    if (open.length > deepest) throw refuse(`its description is deeper than ${deepest}`);
  });
  parser.on('closetag', () => void open.pop());
  parser.on('text', (text) => {
    const element = open.at(-1);
    if (element) element.text += text;
  });
  parser.write(xml).close();
  const [first] = root.children;
  if (first) return first;
  throw refuse('its description is empty');
}

/** The children of a name, in their order. */
export function childrenOf({ children }: XmlElement, name: string): readonly XmlElement[] {
  return children.filter((child) => child.name === name);
}

/** The text of the first child of a name, without blanks around it; empty when there is none. */
export function textOf(element: XmlElement, name: string): string {
  return childrenOf(element, name)[0]?.text.trim() ?? '';
}
