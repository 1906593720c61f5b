/** What a prober answers. */

import type { Recovered } from './state.ts'

export type Answer =
  /** One peer's store was opened: this is what it hands out. */
  | { readonly kind: 'recovered'; readonly recovered: Recovered }
  | { readonly kind: 'refused'; readonly code: string; readonly message: string }
  /** A whole ensemble was opened and all is there; empty texts where nothing was refused or reported. */
  | { readonly kind: 'served'; readonly refusal: string; readonly damage: string }
  /** What is thrown is no TreeError, or something is missing: nobody has thought of this. */
  | { readonly kind: 'broke'; readonly message: string }
  /** The process ended, or did not answer; told in its place by whoever asked. */
  | { readonly kind: 'crashed'; readonly how: string }
  | { readonly kind: 'hung' }
