// What happened to frames, by reason: each malformed or unwanted one is counted where it is dropped.

export const enum Counter {
  FramesIn,
  FramesOut,
  /** Every frame while `dropEverything` is set. */
  DroppedByOrder,
  DroppedEthernet,
  DroppedArp,
  DroppedIpv4,
  DroppedFragment,
  DroppedNotForUs,
  DroppedIcmp,
  DroppedUdp,
  DroppedDhcp,
  DroppedDns,
  DroppedTcp,
  DroppedProtocol,
  /** No transmit buffer was free; what was to be sent waits. */
  TransmitBusy,
  TcpRetransmits,
  TcpTimeouts,
  TcpFastRetransmits,
  TcpOutOfOrder,
  TcpDuplicates,
  TcpChallengeAcks,
  TcpResetsSent,
  TcpResetsReceived,
  TcpRefused,
  EchoReplies,
  /** Times that a path was found to take smaller packets only. */
  PathsNarrowed,
  /** ARP packets of another station that uses our address, or the one that we are about to take. */
  AddressConflicts,
  Count,
}

const block: usize = memory.data(128);

export function count(counter: Counter): void {
  const p = block + ((<usize>counter) << 2);
  store<u32>(p, load<u32>(p) + 1);
}

export function counter(counter: Counter): u32 {
  return counter < Counter.Count ? load<u32>(block + ((<usize>counter) << 2)) : 0;
}
