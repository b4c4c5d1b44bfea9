/* virtio_net.c: network card, zero-copy: the card reads and writes frames in a window that the module granted.
 * OASIS Virtual I/O Device 1.1, section 5.1. Only this file writes descriptors, and only into the window.
 *
 * A buffer of NIC_BUFFER_BYTES: 4 bytes unused, 12 bytes virtio header, then the frame (EXO_NIC_FRAME_OFFSET). */
#include <string.h>

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

volatile u32 nic_event;        /* set by the interrupt, cleared by the idle loop */

void nic_init(void) { base = virtio_find(VIRTIO_ID_NET, &irq); }

u32 nic_irq(void) { return base ? irq : 0; }

void nic_interrupt(void) {
  virtio_acknowledge(base);
  nic_event = 1;
}

static void give_receive(u32 id) {
  virtqueue_give(&receive_queue, id, window + id * NIC_BUFFER_BYTES + HEADER_OFFSET, NIC_BUFFER_BYTES - HEADER_OFFSET, VIRTQ_DEVICE_WRITES);
}

static s32 usable(const module *caller) {
  if (!(caller->capabilities & CAN_USE_NETWORK)) return EXO_E_DENIED;
  if (!base) return EXO_E_ABSENT;
  return window ? 0 : EXO_E_CLOSED;
}

u32 EXO_CALL(nic_info)(module *caller, u32 out_ptr) {
  if (!(caller->capabilities & CAN_USE_NETWORK)) return (u32)EXO_E_DENIED;
  if (!base) return (u32)EXO_E_ABSENT;
  u8 *out = module_range(caller, out_ptr, 20);
  if (!out) return (u32)EXO_E_ARGUMENT;
  for (u32 i = 0; i < 6; i++) out[i] = (u8)virtio_config8(base, i);
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
  for (;;) {
    u32 length;
    s32 id = virtqueue_take(&receive_queue, &length);
    if (id == EXO_E_AGAIN) return (u32)EXO_E_AGAIN;
    if (id < 0) continue; /* the device named a buffer that it doesn't have; the rings are finite, so this ends */
    if (length < HEADER_BYTES + FRAME_BYTES_MIN || length > HEADER_BYTES + FRAME_BYTES_MAX) {
      give_receive((u32)id);
      virtqueue_notify(&receive_queue);
      continue;
    }
    with_module |= 1u << id;
    return (u32)id << 16 | (length - HEADER_BYTES);
  }
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
  u32 unused;
  while (virtqueue_take(&transmit_queue, &unused) != EXO_E_AGAIN) {}
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
  transmit_acquired &= ~(1u << id);
  virtqueue_give(&transmit_queue, id, buffer, HEADER_BYTES + length, 0);
  virtqueue_notify(&transmit_queue);
  return 0;
}
