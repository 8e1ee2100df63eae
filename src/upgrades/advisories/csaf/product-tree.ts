import { z } from 'zod';
import { advisoriesInvalid } from '../advisories-invalid.ts';
import { parseRecord } from '../parse-record.ts';

/** What a product id of a document stands for. */
export interface Product {
  readonly purl: string | undefined;
  /** CPE names of what it is a part of, and of that again. */
  readonly platforms: readonly string[];
}

/** The products of one document (CSAF 2.0, section 3.2.2). */
export interface ProductTree {
  /** @param list `branches`, `full_product_names` or `relationships`, of which `value` is one element. */
  add(list: string, value: unknown): void;
  find(id: string): Product;
}

const mostProducts = 500_000;
const longestName = 2000;
const name = z.string().max(longestName);

const productSchema = z.object({
  product_id: name,
  product_identification_helper: z.object({ purl: name.optional(), cpe: name.optional() }).optional(),
});

interface Branch {
  readonly product?: z.infer<typeof productSchema> | undefined;
  readonly branches?: readonly Branch[] | undefined;
}

// The depth of JSON is limited, and with it that of branches.
const branchSchema: z.ZodType<Branch> = z.object({
  product: productSchema.optional(),
  get branches() {
    return z.array(branchSchema).optional();
  },
});

const relationshipSchema = z.object({
  product_reference: name,
  relates_to_product_reference: name,
  full_product_name: productSchema,
});

const longestChain = 8;

interface Entry {
  readonly purl: string | undefined;
  readonly cpe: string | undefined;
  readonly part?: string;
  readonly whole?: string;
}

export function createProductTree(): ProductTree {
  const entries = new Map<string, Entry>();

  function set(product: z.infer<typeof productSchema>, relation?: Pick<Entry, 'part' | 'whole'>): void {
    const { purl, cpe } = product.product_identification_helper ?? {};
    entries.set(product.product_id, { purl, cpe, ...relation });
    if (entries.size > mostProducts) {
      throw advisoriesInvalid(`at most ${mostProducts} products in a document`, 'there are more');
    }
  }

  function addBranch({ product, branches }: Branch): void {
    if (product !== undefined) set(product);
    for (const branch of branches ?? []) addBranch(branch);
  }

  /** The names that `id` and what it is part of have; a chain that never ends is cut. */
  function find(id: string, steps: number): Product {
    const entry = entries.get(id);
    if (entry === undefined) return { purl: undefined, platforms: [] };
    const own = entry.cpe === undefined ? [] : [entry.cpe];
    if (entry.part === undefined || entry.whole === undefined || steps === 0) {
      return { purl: entry.purl, platforms: own };
    }
    const part = find(entry.part, steps - 1);
    const whole = find(entry.whole, steps - 1);
    return { purl: entry.purl ?? part.purl, platforms: [...own, ...whole.platforms] };
  }

  return {
    add(list, value) {
      if (list === 'branches') addBranch(parseRecord(branchSchema, value, 'product_tree.branches'));
      else if (list === 'full_product_names') set(parseRecord(productSchema, value, 'full_product_names'));
      else {
        const relation = parseRecord(relationshipSchema, value, 'product_tree.relationships');
        set(relation.full_product_name, {
          part: relation.product_reference,
          whole: relation.relates_to_product_reference,
        });
      }
    },
    find: (id) => find(id, longestChain),
  };
}
