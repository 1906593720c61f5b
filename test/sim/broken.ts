/** For tests of the checks: what is wrong on purpose must be found, and by its own name. */

import assert from 'node:assert/strict'
import { type Check, Violation } from './violation.ts'

export function broken(check: Check): (error: unknown) => boolean {
  return error => {
    assert.ok(error instanceof Violation, String(error))
    assert.equal(error.check, check, error.message)
    return true
  }
}
