// Outbox: QoS 1 publications that the server hasn't acknowledged (4.1, 4.4), whole packets in a fixed ring, oldest
// first. They are sent in that order, and again with DUP after a reconnection.

import { PublishFlag } from "./packet";

namespace SlotState {
  export const Queued: i32 = 0;
  export const Sent: i32 = 1;
  export const Acknowledged: i32 = 2;
}

@final
class Slot {
  state: i32 = SlotState.Queued;
  packet: usize = 0;
  length: u32 = 0;
  id: u32 = 0;
  sentUs: i64 = 0;
}

export class Outbox {
  private slots: StaticArray<Slot>;
  private head: u32 = 0;
  count: u32 = 0;

  constructor(
    readonly slotCount: u32,
    readonly slotBytes: u32,
  ) {
    this.slots = new StaticArray<Slot>(slotCount);
    for (let i: u32 = 0; i < slotCount; i++) {
      const slot = new Slot();
      slot.packet = heap.alloc(slotBytes);
      unchecked((this.slots[i] = slot));
    }
  }

  /** Where the next packet goes (slotBytes), or 0 when the ring is full. It counts once `commit` takes it. */
  reserve(): usize {
    return this.count == this.slotCount ? 0 : this.slot(this.count).packet;
  }

  commit(length: u32, id: u32): void {
    const slot = this.slot(this.count++);
    slot.length = length;
    slot.id = id;
    slot.state = SlotState.Queued;
  }

  /** Packet and length of the oldest one that is to be sent; 0 when there is none. */
  queuedPacket: usize = 0;
  queuedLength: u32 = 0;
  private queuedIndex: u32 = 0;

  nextQueued(): bool {
    for (let i: u32 = 0; i < this.count; i++) {
      const slot = this.slot(i);
      if (slot.state != SlotState.Queued) continue;
      this.queuedPacket = slot.packet;
      this.queuedLength = slot.length;
      this.queuedIndex = i;
      return true;
    }
    return false;
  }

  /** The packet that nextQueued found is on its way. */
  sent(nowUs: i64): void {
    const slot = this.slot(this.queuedIndex);
    slot.state = SlotState.Sent;
    slot.sentUs = nowUs;
  }

  /** Whether `id` was waiting for this. */
  acknowledge(id: u32): bool {
    for (let i: u32 = 0; i < this.count; i++) {
      const slot = this.slot(i);
      if (slot.id != id || slot.state != SlotState.Sent) continue;
      slot.state = SlotState.Acknowledged;
      while (this.count != 0 && this.slot(0).state == SlotState.Acknowledged) {
        this.head = this.head + 1 == this.slotCount ? 0 : this.head + 1;
        this.count--;
      }
      return true;
    }
    return false;
  }

  /** The connection is gone: what was sent is queued again, in order, marked DUP [MQTT-3.3.1-1] [MQTT-4.4.0-1]. */
  rewind(): void {
    for (let i: u32 = 0; i < this.count; i++) {
      const slot = this.slot(i);
      if (slot.state != SlotState.Sent) continue;
      slot.state = SlotState.Queued;
      store<u8>(slot.packet, load<u8>(slot.packet) | PublishFlag.Dup);
    }
  }

  /** When the oldest unacknowledged packet was sent; i64.MAX_VALUE when none is. */
  oldestSentUs(): i64 {
    let oldest = i64.MAX_VALUE;
    for (let i: u32 = 0; i < this.count; i++) {
      const slot = this.slot(i);
      if (slot.state == SlotState.Sent && slot.sentUs < oldest) oldest = slot.sentUs;
    }
    return oldest;
  }

  holds(id: u32): bool {
    for (let i: u32 = 0; i < this.count; i++) if (this.slot(i).id == id) return true;
    return false;
  }

  clear(): void {
    this.count = 0;
  }

  private slot(index: u32): Slot {
    index += this.head;
    return unchecked(this.slots[index >= this.slotCount ? index - this.slotCount : index]);
  }
}
