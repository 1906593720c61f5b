/**
 * The predicates of Zab.tla, checked from a trace alone: no part of the simulator and none of `lib`, and each predicate
 * as the paper says it, over the sequences that the peers delivered. What the simulator's own checks say can be
 * compared with it; and whoever has a trace of another run, or another program, can check that.
 */

/** As in a trace: epoch and counter. */
type Place = readonly [number, number]

interface Point {
  readonly zxid: Place
  readonly chain: number
}

interface Delivered {
  readonly first: Place
  readonly last: Place
  readonly chain: number
}

/** What is needed of the events; a trace holds more. */
interface Event {
  readonly at: number
  readonly actor: string
  readonly kind: string
  readonly base?: Point
  readonly life?: number
  readonly view?: { readonly epoch: number; readonly role: string; readonly serving: boolean }
  readonly reason?: string
  readonly jumped?: Point
  readonly established?: Point
  readonly proposed?: readonly Delivered[]
  readonly delivered?: readonly Delivered[]
  readonly sends?: readonly {
    readonly messages: readonly { readonly kind: string; readonly zxid?: Place }[]
  }[]
}

export type TracePredicate =
  | 'Leadership1'
  | 'Leadership2'
  | 'PrefixConsistency'
  | 'Integrity'
  | 'Agreement'
  | 'TotalOrder'
  | 'LocalPrimaryOrder'
  | 'GlobalPrimaryOrder'
  | 'PrimaryIntegrity'
  | 'ShouldNotBeTriggered'

export interface TraceFinding {
  readonly predicate: TracePredicate
  readonly at: number
  readonly actor: string
  readonly what: string
}

interface Reign {
  readonly leader: string
  readonly start: Place
  /** Ends of what it proposed, in order. */
  readonly proposed: string[]
}

const OUT_OF_PLACE =
  /out of place|^a gap|before the log|another epoch|before DIFF|^a commit without/

export class TraceCheck {
  /** What each peer delivered: by index, so that sequences can be compared. */
  readonly #delivered = new Map<string, string[]>()
  /** The longest of these, and the zxid of each. */
  readonly #longest: string[] = []
  readonly #places: Place[] = []
  readonly #indexes = new Map<string, number>()
  readonly #reigns = new Map<number, Reign>()
  readonly #newLeaders = new Map<number, string>()
  readonly #findings: TraceFinding[] = []
  #event: Event = { at: 0, actor: '--', kind: 'note' }
  #groups = 0

  get findings(): readonly TraceFinding[] {
    return this.#findings
  }

  /** Groups that were delivered, by all peers together. */
  get groups(): number {
    return this.#groups
  }

  get reigns(): number {
    return this.#reigns.size
  }

  /** One line of a trace. */
  line(json: string): void {
    const event = JSON.parse(json) as Event
    this.#event = event
    if (event.kind === 'start' && event.base !== undefined) this.#stands(event.base)
    if (event.kind !== 'turn' || event.view === undefined) return
    const { epoch } = event.view
    const leader = `${event.actor}, life ${event.life}`
    if (event.established !== undefined) this.#establishes(epoch, leader, event.established)
    this.#proposes(epoch, leader, event.proposed ?? [])
    this.#says(leader, event.sends ?? [])
    if (event.jumped !== undefined) this.#stands(event.jumped)
    for (const group of event.delivered ?? []) this.#delivers(group)
    const { reason } = event
    this.#expect(reason === undefined || !OUT_OF_PLACE.test(reason), 'ShouldNotBeTriggered', () => {
      return `ends a connection: ${reason}`
    })
  }

  /** Leadership1: one established leader for an epoch. */
  #establishes(epoch: number, leader: string, { zxid: start }: Point): void {
    const known = this.#reigns.get(epoch)
    this.#expect(known === undefined || known.leader === leader, 'Leadership1', () => {
      return `leads epoch ${epoch} as ${known?.leader} does`
    })
    if (known === undefined) this.#reigns.set(epoch, { leader, start, proposed: [] })
    // PrimaryIntegrity: what was delivered before of earlier epochs, its leader has delivered, or will before all else.
    const last = this.#places.findLast(([earlier]) => earlier < epoch)
    this.#expect(last === undefined || !isBefore(start, last), 'PrimaryIntegrity', () => {
      return `begins epoch ${epoch} at ${start}, delivered is ${last}`
    })
  }

  #proposes(epoch: number, leader: string, groups: readonly Delivered[]): void {
    const reign = this.#reigns.get(epoch)
    if (groups.length === 0) return
    if (reign === undefined) {
      this.#reigns.set(epoch, { leader, start: [0, 0], proposed: groups.map(nameOf) })
      return
    }
    this.#expect(reign.leader === leader, 'Leadership1', () => {
      return `proposes in epoch ${epoch}, which ${reign.leader} leads`
    })
    reign.proposed.push(...groups.map(nameOf))
  }

  /** Leadership2: one peer says NEWLEADER for an epoch, established or not. */
  #says(leader: string, sends: NonNullable<Event['sends']>): void {
    for (const { messages } of sends) {
      for (const { kind, zxid } of messages) {
        if (kind !== 'newLeader' || zxid === undefined) continue
        const [epoch] = zxid
        const known = this.#newLeaders.get(epoch) ?? leader
        this.#newLeaders.set(epoch, known)
        this.#expect(known === leader, 'Leadership2', () => {
          return `says NEWLEADER for epoch ${epoch}, as ${known} did`
        })
      }
    }
  }

  /** Everything up to a point counts as delivered: it must be where a delivered group ends. */
  #stands({ zxid, chain }: Point): void {
    if (zxid[0] === 0 && zxid[1] === 0) {
      this.#delivered.set(this.#event.actor, [])
      return
    }
    const index = this.#indexes.get(`${zxid}#${chain}`)
    this.#expect(index !== undefined, 'PrefixConsistency', () => {
      return `stands at ${zxid}, where nobody delivered that`
    })
    this.#delivered.set(this.#event.actor, this.#longest.slice(0, (index ?? -1) + 1))
  }

  #delivers(group: Delivered): void {
    this.#groups++
    const name = nameOf(group)
    const own = this.#delivered.get(this.#event.actor) ?? []
    this.#delivered.set(this.#event.actor, own)
    this.#checkPlace(name, group, own.length)
    this.#checkProposer(name, group, own)
    const before = this.#places[own.length - 1]
    this.#expect(before === undefined || before[0] <= group.first[0], 'GlobalPrimaryOrder', () => {
      return `delivers ${group.first} after ${before}`
    })
    own.push(name)
    if (own.length > this.#longest.length) {
      this.#indexes.set(name, this.#longest.length)
      this.#longest.push(name)
      this.#places.push(group.last)
    }
  }

  /** PrefixConsistency, Agreement and TotalOrder: at each index all peers have the same. */
  #checkPlace(name: string, { last }: Delivered, index: number): void {
    const known = this.#longest[index]
    if (known === undefined || known === name) return
    const place = this.#places[index]!
    const elsewhere = this.#indexes.get(name)
    if (elsewhere !== undefined) {
      this.#find('TotalOrder', `delivers ${last} as number ${index}, others as ${elsewhere}`)
    } else if (isSame(place, last)) {
      this.#find('Agreement', `delivers another group at ${last}`)
    } else {
      this.#find('PrefixConsistency', `delivers ${last} where others delivered ${place}`)
    }
  }

  #checkProposer(name: string, { first, last }: Delivered, own: readonly string[]): void {
    const [epoch] = first
    const reign = this.#reigns.get(epoch)
    const index = reign?.proposed.indexOf(name) ?? -1
    this.#expect(index >= 0, 'Integrity', () => `delivers ${last}, which its leader never proposed`)
    if (reign === undefined || index < 0) return
    const previous = reign.proposed[index - 1]
    const inOrder = previous === undefined || own.at(-1) === previous
    this.#expect(inOrder, 'LocalPrimaryOrder', () => {
      return `delivers ${last} not straight after ${previous}, as proposed`
    })
    for (const [later, { start, leader }] of this.#reigns) {
      this.#expect(later <= epoch || !isBefore(start, last), 'PrimaryIntegrity', () => {
        return `delivers ${last}, without which ${leader} began epoch ${later}`
      })
    }
  }

  #expect(condition: boolean, predicate: TracePredicate, what: () => string): void {
    if (!condition) this.#find(predicate, what())
  }

  #find(predicate: TracePredicate, what: string): void {
    const { at, actor } = this.#event
    this.#findings.push({ predicate, at, actor, what })
  }
}

function nameOf({ last, chain }: Delivered): string {
  return `${last}#${chain}`
}

function isBefore(a: Place, b: Place): boolean {
  return a[0] < b[0] || (a[0] === b[0] && a[1] < b[1])
}

function isSame(a: Place, b: Place): boolean {
  return a[0] === b[0] && a[1] === b[1]
}
