/**
 * Every limit of Bursar, and why it is where it is. What can grow is bounded here; a test walks into each.
 * Amounts are in the pool's unit (tokens or microusd), times in milliseconds, sizes in bytes.
 */
export const limits = {
  /** One operation. A trillion tokens is more than any call; 9,000 of them still fit a safe integer. */
  amount: 1e12,
  /** A pool's total. Nine times below 2^53, so that no sum of two stored numbers is ever rounded. */
  total: 1e15,
  /** Spend that a pool can book. Facts are never refused, so overage may pass `total`; past this, sums would round. */
  spend: 8e15,
  /** Agents of a pool. Looking for donors reads each of them once; a thousand take some microseconds. */
  agents: 1_000,
  /** Sub-agents below sub-agents. Closing an agent walks up this chain in one step. */
  agentDepth: 8,
  /**
   * Open reservations of a pool. All of them may fall due in one turn, and they are rebuilt on waking. One agent may
   * have as many as it leaves free for all others (`protocol/share.ts`): half, where no other has any.
   */
  openReservations: 20_000,
  /** What they may take in memory, in bytes: labels and transfers count, so that few heavy ones are bounded as many are. */
  openReservationsBytes: 20_000 * 512,
  /** How far hosts' clocks may differ, and a pool waits for the slower one; what is more was a wrong clock. */
  clockSkewMs: 60_000,
  /** A lease. Long enough for a batch job, short enough that a lost caller's hold comes back the same day. */
  ttlMs: 24 * 3_600_000,
  /** A lease shorter than a round trip can't be used. */
  ttlMsMin: 100,
  /** The lease when neither the call nor the pool says otherwise: longer than nearly every model call. */
  ttlMsDefault: 120_000,
  /** How long a refused reservation may wait in line: under the usual timeouts of clients and proxies. */
  waitMs: 60_000,
  /**
   * How many may wait in line at once: each is tried again whenever budget comes free. One agent may have as many as it
   * leaves free for all others.
   */
  waiters: 1_000,
  /** Calls that wait for one reservation: a caller that comes back is one more, until its old call is known to be gone. */
  waitersPerReservation: 100,
  /** Work of one key in a turn of the pool's object, in commands: a full batch, and a few milliseconds. */
  turnQuantum: 1_000,
  /** Work that was queued of all keys in a turn: others that come meanwhile wait no longer than for this. */
  turnMost: 4_000,
  /** What a key may have in the queue for its turns: more is refused, or ends its session … */
  queuedPerKey: 1_000,
  /** … in number or in bytes. */
  queuedBytesPerKey: 8 * 1024 * 1024,
  /** Settled outcomes that are always remembered, whatever their age. */
  outcomesKept: 10_000,
  /** Settled outcomes younger than this are remembered too, … */
  outcomesKeptMs: 10 * 60_000,
  /** … up to so many bytes, which is 40,000 without labels or transfers. Beyond, the agent that has most forgets first. */
  outcomesBytes: 40_000 * 512,
  /** Characters of a page of a snapshot, one item more or less: under 1 MB in a row, at up to 3 bytes a character. */
  snapshotPageLength: 330_000,
  /** What a remembered write takes in memory without labels and transfers: `npm run bench:memory` measures it. */
  outcomeBytes: 512,
  /** Agents that have left and of which nothing is remembered but how far back their ids may have been used. */
  vacantHistories: 10_000,
  /** Expired, unsettled reservations wait this long for their late commit … */
  unsettledMs: 24 * 3_600_000,
  /** … up to so many bytes, as much as may fall due at once. Beyond, the agent that has most forgets its oldest first. */
  unsettledBytes: 20_000 * 512,
  /** A period in hours: a year. Longer ones are months. */
  refillHours: 8_760,
  /** Reserves of an agent a minute, where its contract bounds them: more is no loop guard. */
  reservesPerMinute: 60_000,
  /** Percentages of a budget that are warned of. */
  warnings: 10,
  /** Reports of periods that are over, for the pool and for each agent with its own: more than a year of days. */
  periodsKept: 400,
  /** Of one page. A report of a thousand agents is some 80 KB. */
  periodPage: 50,
  /** Webhooks of a tenant: a place for each tool that wants to hear, and for each team. */
  webhooksPerTenant: 50,
  webhookUrlLength: 2_048,
  /** Messages of webhooks that are kept: a week of them, which is longer than they are tried … */
  webhookMessagesMs: 7 * 24 * 3_600_000,
  /** … and at most so many, some 30 MB. What waits longest goes first; the journal still has it. */
  webhookMessages: 50_000,
  /** Notifications that a pool hands over at once: about half a megabyte. */
  notificationsAtOnce: 500,
  /** Pools whose figures are asked for at once: each is a call of the request's, which may make a thousand. */
  metricsPage: 200,
  /** Ids and names: fit a URL, a log line and an index, and hold any UUID or `team:agent` scheme. */
  idLength: 128,
  /** Priorities 0–1,000: room to insert between any two. */
  priority: 1_000,
  /** Metadata of a reservation: labels, not documents. It is journaled and kept in memory. In bytes, as JSON in UTF-8. */
  metadataBytes: 4_096,
  metadataKeys: 16,
  metadataKeyLength: 64,
  metadataValueLength: 256,
  /** Commands of one batch: about 10 ms of the object's only thread. */
  batch: 1_000,
  /** Characters of a session's frame: a thousand commands of 250. */
  frameLength: 256 * 1024,
  /** Frames of one session in flight: far above what a client that waits for answers has. */
  framesInFlight: 256,
  /**
   * Sessions of a pool. Each is a connection that the platform keeps, and its watchers are told of every event. One key
   * may have as many as it leaves free for all others.
   */
  sessions: 1_000,
  /** Events that a watcher may be behind before it is told no more until it acknowledges. */
  eventsAhead: 4_000,
  /** … and characters of them. */
  eventsAheadLength: 4_000_000,
  /** Refusals of one delivery that watchers are shown; the counts have all of them. */
  refusalsShown: 100,
  /**
   * Characters of refusals that watchers are shown before they acknowledge an event: what a socket does not read, the
   * runtime keeps. The sockets of one key get at most as many as they leave for all others.
   */
  refusalsAheadLength: 8_000_000,
  /**
   * Characters of transfers and donors in the answers to one delivery. The platform passes on answers of 32 MB;
   * the effects of a larger one would stand, and its caller would never be told.
   */
  answersLength: 4_000_000,
  /** Body of a control request. A batch of 1,000 commands of 60 bytes fits. */
  bodyBytes: 64 * 1024,
  /** Body of a call through the gateway: images inline fit; text, its parsed copy and what is sent, an isolate holds. */
  gatewayBodyBytes: 10 * 1024 * 1024,
  /** Nesting of JSON in a call through the gateway: schemas of tools nest two levels a property. */
  gatewayJsonDepth: 64,
  /** Body of a whole answer of a provider's: it is held in memory until it is booked. */
  gatewayAnswerBytes: 32 * 1024 * 1024,
  /** An event of a streamed answer, in characters: the last one of a response repeats what it was asked, and then some. */
  gatewayEventLength: 24 * 1024 * 1024,
  /** Lease of a call through the gateway: what a Worker that dies leaves behind is booked after it. */
  gatewayTtlMs: 60_000,
  /** How long a provider may be silent: as long as OpenAI's SDK waits. */
  gatewaySilenceMs: 600_000,
  /** Pools and prices that an isolate remembers: some hundred bytes each … */
  gatewayRemembers: 2_000,
  /** … for as long as a new price may take to be in force everywhere. */
  gatewayRemembersMs: 30_000,
  /** Answers to one request (`n`), as many as OpenAI gives. */
  gatewayAnswers: 128,
  /** Nesting of JSON. Ours needs 4; refused before anything recursive reads the text. */
  jsonDepth: 32,
  /** Days that a journal is kept, where a pool says how many: ten years, as books are. */
  journalDays: 3_650,
  /** Events of one page of the journal. */
  journalPage: 1_000,
  /** Tenants of a deployment: what the one directory object lists. */
  tenants: 100_000,
  /** Keys of a tenant that work. A key that is bound to a pool makes at most as many for it as it leaves free for all others. */
  keysPerTenant: 10_000,
  /** What the operator may make beyond that: a tenant that has lost its admin key must get one. */
  keysOfOperator: 100,
  /**
   * How long a revoked key is remembered after it has expired: a week. A host whose clock is ahead sees keys as expired
   * that are not, and a key that was forgotten too early would be accepted again once the clock is right.
   */
  revokedKeysKeptMs: 7 * 24 * 3_600_000,
  /**
   * Revoked keys that are remembered: each new pool is told of all. Where there are as many no key is made, but by the
   * operator. Those of one pool may be as many as are left free for all others.
   */
  revokedKeysPerTenant: 100_000,
  /** For how long a control request may be repeated and is answered as the first time: a day … */
  requestsKeptMs: 24 * 3_600_000,
  /** … and the last so many of a key. */
  requestsPerKey: 1_000,
  /** What a key is for, in its maker's words. */
  labelLength: 128,
  /** A million tokens of a model: a thousand dollars. The dearest model of 2026 takes 600. */
  rate: 1e9,
  /** Prices of a model by the length of the prompt; providers have two. */
  priceTiers: 4,
  /** Prices that a tenant sets itself: more models than all providers have. */
  pricesPerTenant: 1_000,
  /** A model's name: fine-tunes carry an organisation, a suffix and an id. */
  modelLength: 256,
  /** Tools of the provider that booked usage names. */
  toolNames: 16,
  /** Where a confidence is found in an answer. */
  confidencePathLength: 256,
  /** Pools of a tenant: what one directory object lists in a page or a hundred. */
  poolsPerTenant: 100_000,
} as const;
