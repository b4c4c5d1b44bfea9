/* virtio_rng.c: entropy. OASIS Virtual I/O Device 1.1, section 5.4. One request at a time, waited for with a deadline. */
#include <string.h>

#include "virtqueue.h"

#define VIRTIO_ID_ENTROPY 4u
#define REQUEST_BYTES     256u
#define DEADLINE_US       200000u

static struct virtqueue queue;
static u8 buffer[REQUEST_BYTES] __attribute__((aligned(16)));
static u32 base;

void entropy_init(void) {
  u32 irq;
  base = virtio_find(VIRTIO_ID_ENTROPY, &irq);
  if (!base) return;
  if (virtio_begin(base, 0) < 0 || virtqueue_init(&queue, base, 0) < 0) {
    base = 0;
    return;
  }
  queue.available.flags = 1; /* polled */
  virtio_driver_ok(base);
}

s32 entropy_read(u8 *target, u32 length) {
  if (!base) return EXO_E_ABSENT;
  u64 deadline = clock_microseconds() + DEADLINE_US;
  while (length > 0) {
    if ((queue.with_device & 1) == 0) {
      virtqueue_give(&queue, 0, buffer, REQUEST_BYTES, VIRTQ_DEVICE_WRITES);
      virtqueue_notify(&queue);
    }
    u32 got;
    s32 id = virtqueue_take(&queue, &got);
    if (id == EXO_E_AGAIN || (id >= 0 && got == 0)) {
      if (clock_microseconds() > deadline) return EXO_E_IO;
      continue;
    }
    if (id < 0) return EXO_E_IO;
    u32 part = got < length ? got : length;
    memcpy(target, buffer, part);
    memset(buffer, 0, sizeof buffer);
    target += part;
    length -= part;
  }
  return 0;
}

u32 EXO_CALL(entropy)(module *caller, u32 ptr, u32 length) {
  /* Not for the app: from its slice it would share buffer and queue with a request of the agent's that it interrupted. */
  if (!(caller->capabilities & CAN_USE_ENTROPY)) return (u32)EXO_E_DENIED;
  u8 *target = module_range(caller, ptr, length);
  if (!target || length > 256) return (u32)EXO_E_ARGUMENT;
  return (u32)entropy_read(target, length);
}
