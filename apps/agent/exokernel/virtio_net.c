/* virtio_net.c: network card, zero-copy: the card reads and writes frames in a window that the module granted.
 * OASIS Virtual I/O Device 1.1, section 5.1. Only this file writes descriptors, and only into the window.
 *
 * What the card writes back is a stranger's word. A buffer that it does not have, or a length that is no frame's, is dropped; an
 * index that can't be, or a card that has given up, ends its use. The console is told the first time, not each time.
 *
 * A buffer of NIC_BUFFER_BYTES: 4 bytes unused, 12 bytes virtio header, then the frame (EXO_NIC_FRAME_OFFSET). */
#include <string.h>

#include "path_probe.h"
#include "virtqueue.h"

#define VIRTIO_ID_NET      1u
#define FEATURE_MAC        (1u << 5)
#define HEADER_BYTES       12u
#define HEADER_OFFSET      (EXO_NIC_FRAME_OFFSET - HEADER_BYTES)
#define RECEIVE_BUFFERS    16u
#define TRANSMIT_BUFFERS   8u
#define NIC_BUFFER_BYTES   1536u
#define WINDOW_BYTES       ((RECEIVE_BUFFERS + TRANSMIT_BUFFERS) * NIC_BUFFER_BYTES)
#define FRAME_BYTES_MIN    14u
#define FRAME_BYTES_MAX    1514u

static struct virtqueue receive_queue, transmit_queue;
static u32 base, irq;
static u8 *window;             /* granted by the module; NULL: the NIC is off */
static u32 with_module;        /* receive buffers that the module holds, one bit each */
static u32 transmit_acquired;  /* transmit buffers that the module holds */

static u32 is_off;             /* the card broke the rules and is not used any more */
static volatile u32 needs_reset; /* it said so; seen by the interrupt, acted on outside of it */
static u32 has_said;           /* one bit a complaint */

enum { LIED_ABOUT_BUFFER, LIED_ABOUT_LENGTH, LIED_ABOUT_MAC, WENT_OFF };

volatile u32 nic_event;        /* set by the interrupt, cleared by the idle loop */

void nic_init(void) { base = virtio_find(VIRTIO_ID_NET, &irq); }

u32 nic_irq(void) { return base ? irq : 0; }

void nic_interrupt(void) {
  if ((virtio_acknowledge(base) & VIRTIO_INTERRUPT_CONFIG) && virtio_needs_reset(base)) needs_reset = 1;
  path_probe_received(&receive_queue, window, NIC_BUFFER_BYTES);
  nic_event = 1;
}

static void give_receive(u32 id) {
  virtqueue_give(&receive_queue, id, window + id * NIC_BUFFER_BYTES + HEADER_OFFSET, NIC_BUFFER_BYTES - HEADER_OFFSET, VIRTQ_DEVICE_WRITES);
}

/* Never from an interrupt: it would fall into a line of a module's. */
static void say_once(u32 complaint, const char *text) {
  if (has_said >> complaint & 1) return;
  has_said |= 1u << complaint;
  console_put("nic: ");
  console_put(text);
  console_put("\n");
}

static s32 go_off(const char *why) {
  say_once(WENT_OFF, why);
  is_off = 1;
  virtio_stop(base);
  return EXO_E_IO;
}

static s32 usable(const module *caller) {
  if (!(caller->capabilities & CAN_USE_NETWORK)) return EXO_E_DENIED;
  if (!base) return EXO_E_ABSENT;
  if (!window) return EXO_E_CLOSED;
  if (is_off) return EXO_E_IO;
  return needs_reset ? go_off("the card has given up; it is off until the next reset") : 0;
}

/* One buffer back from the card: its id, EXO_E_AGAIN, or EXO_E_IO when the card is off. What it lies about is passed over, at
 * most a ring of it for each call, so that a card that lies for ever can't hold the module. */
static s32 take(struct virtqueue *queue, u32 *length) {
  for (u32 lies = 0; lies < VIRTQUEUE_SIZE; lies++) {
    s32 id = virtqueue_take(queue, length);
    if (id == EXO_E_CLOSED) return go_off("the card's ring index can't be; it is off until the next reset");
    if (id != EXO_E_IO) return id;
    say_once(LIED_ABOUT_BUFFER, "the card names a buffer that it does not have; dropped");
  }
  return EXO_E_AGAIN;
}

u32 EXO_CALL(nic_info)(module *caller, u32 out_ptr) {
  if (!(caller->capabilities & CAN_USE_NETWORK)) return (u32)EXO_E_DENIED;
  if (!base) return (u32)EXO_E_ABSENT;
  u8 *out = module_range(caller, out_ptr, 20);
  if (!out) return (u32)EXO_E_ARGUMENT;
  for (u32 i = 0; i < 6; i++) out[i] = (u8)virtio_config8(base, i);
  /* A group address, or none, is no card's own (IEEE 802, section 8.2). */
  if ((out[0] & 1) || !(out[0] | out[1] | out[2] | out[3] | out[4] | out[5])) {
    say_once(LIED_ABOUT_MAC, "the card has no address of its own; not used");
    return (u32)EXO_E_IO;
  }
  const u16 mtu = 1500;
  const u32 rest[3] = { RECEIVE_BUFFERS, TRANSMIT_BUFFERS, NIC_BUFFER_BYTES };
  memcpy(out + 6, &mtu, 2);
  memcpy(out + 8, rest, 12);
  return 0;
}

u32 EXO_CALL(nic_grant)(module *caller, u32 ptr, u32 length) {
  if (!(caller->capabilities & CAN_USE_NETWORK)) return (u32)EXO_E_DENIED;
  if (!base) return (u32)EXO_E_ABSENT;
  u8 *granted = module_range(caller, ptr, length);
  if (!granted || length != WINDOW_BYTES || (ptr & 15) || window) return (u32)EXO_E_ARGUMENT;
  if (virtio_begin(base, FEATURE_MAC) < 0 || virtqueue_init(&receive_queue, base, 0) < 0 || virtqueue_init(&transmit_queue, base, 1) < 0)
    return (u32)EXO_E_IO;
  window = granted;
  transmit_queue.available.flags = 1; /* no interrupt for what was sent */
  virtio_driver_ok(base);
  for (u32 id = 0; id < RECEIVE_BUFFERS; id++) give_receive(id);
  virtqueue_notify(&receive_queue);
  plic_enable(irq);
  return 0;
}

u32 EXO_CALL(nic_receive)(module *caller) {
  s32 result = usable(caller);
  if (result < 0) return (u32)result;
  for (u32 tries = 0; tries < VIRTQUEUE_SIZE; tries++) {
    u32 length;
    s32 id = take(&receive_queue, &length);
    if (id < 0) return (u32)id;
    if (length < HEADER_BYTES + FRAME_BYTES_MIN || length > HEADER_BYTES + FRAME_BYTES_MAX) {
      say_once(LIED_ABOUT_LENGTH, "the card's frame has a length that can't be; dropped");
      give_receive((u32)id);
      virtqueue_notify(&receive_queue);
      continue;
    }
    with_module |= 1u << id;
    return (u32)id << 16 | (length - HEADER_BYTES);
  }
  return (u32)EXO_E_AGAIN;
}

u32 EXO_CALL(nic_release)(module *caller, u32 id) {
  s32 result = usable(caller);
  if (result < 0) return (u32)result;
  if (id >= RECEIVE_BUFFERS || !(with_module >> id & 1)) return (u32)EXO_E_ARGUMENT;
  with_module &= ~(1u << id);
  give_receive(id);
  virtqueue_notify(&receive_queue);
  return 0;
}

u32 EXO_CALL(nic_acquire)(module *caller) {
  s32 result = usable(caller);
  if (result < 0) return (u32)result;
  for (u32 taken = 0; taken < VIRTQUEUE_SIZE; taken++) {
    u32 unused;
    s32 id = take(&transmit_queue, &unused);
    if (id == EXO_E_AGAIN) break;
    if (id < 0) return (u32)id;
  }
  for (u32 id = 0; id < TRANSMIT_BUFFERS; id++) {
    if (((transmit_acquired | transmit_queue.with_device) >> id & 1) == 0) {
      transmit_acquired |= 1u << id;
      return id;
    }
  }
  return (u32)EXO_E_AGAIN;
}

u32 EXO_CALL(nic_transmit)(module *caller, u32 id, u32 length) {
  s32 result = usable(caller);
  if (result < 0) return (u32)result;
  if (id >= TRANSMIT_BUFFERS || !(transmit_acquired >> id & 1)) return (u32)EXO_E_ARGUMENT;
  if (length < FRAME_BYTES_MIN || length > FRAME_BYTES_MAX) return (u32)EXO_E_ARGUMENT;
  u8 *buffer = window + (RECEIVE_BUFFERS + id) * NIC_BUFFER_BYTES + HEADER_OFFSET;
  memset(buffer, 0, HEADER_BYTES);
  path_probe_transmits(buffer + HEADER_BYTES, length);
  transmit_acquired &= ~(1u << id);
  virtqueue_give(&transmit_queue, id, buffer, HEADER_BYTES + length, 0);
  virtqueue_notify(&transmit_queue);
  return 0;
}
