/** Groups of one transaction, made by hand. */

import { type Group, type LogPoint, makeGroup } from '../../lib/base/group.ts'
import { advanceZxid, type Epoch, makeZxid } from '../../lib/base/zxid.ts'

/** The one of `epoch` that follows on `point`; `content` tells it from others at the same place. */
export function groupAfter(point: LogPoint, epoch: Epoch, content = 0): Group {
  const first = makeZxid(epoch, 1)
  const zxid = point.zxid >= first ? advanceZxid(point.zxid, 1) : first
  return makeGroup(point, zxid, zxid, new Uint8Array([content]), content)
}
