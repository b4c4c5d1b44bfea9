/* virtqueue.c: see virtqueue.h. What the device writes back (ring index, id, length) is checked, not trusted. */
#include "virtqueue.h"

#define MAGIC            0x000u
#define VERSION          0x004u
#define DEVICE_ID        0x008u
#define DEVICE_FEATURES  0x010u
#define DEVICE_FEATURES_SELECT 0x014u
#define DRIVER_FEATURES  0x020u
#define DRIVER_FEATURES_SELECT 0x024u
#define QUEUE_SELECT     0x030u
#define QUEUE_SIZE_MAX   0x034u
#define QUEUE_SIZE       0x038u
#define QUEUE_READY      0x044u
#define QUEUE_NOTIFY     0x050u
#define INTERRUPT_STATUS 0x060u
#define INTERRUPT_ACK    0x064u
#define STATUS           0x070u
#define QUEUE_DESCRIPTORS 0x080u
#define QUEUE_AVAILABLE  0x090u
#define QUEUE_USED       0x0a0u
#define CONFIG           0x100u

#define STATUS_ACKNOWLEDGE 1u
#define STATUS_DRIVER      2u
#define STATUS_DRIVER_OK   4u
#define STATUS_FEATURES_OK 8u
#define STATUS_NEEDS_RESET 64u
#define FEATURE_VERSION_1_HIGH 1u  /* bit 32 */

static void barrier(void) { __asm__ volatile("fence iorw, iorw" ::: "memory"); }

u32 virtio_find(u32 device_id, u32 *irq) {
  for (u32 slot = 0; slot < VIRTIO_SLOTS; slot++) {
    u32 base = VIRTIO_MMIO + slot * VIRTIO_STRIDE;
    if (mmio_read32(base + MAGIC) != 0x74726976u || mmio_read32(base + VERSION) != 2) continue;
    if (mmio_read32(base + DEVICE_ID) != device_id) continue;
    *irq = 1 + slot;
    return base;
  }
  return 0;
}

s32 virtio_begin(u32 base, u32 features_low) {
  mmio_write32(base + STATUS, 0);
  mmio_write32(base + STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER);
  mmio_write32(base + DEVICE_FEATURES_SELECT, 0);
  u32 offered = mmio_read32(base + DEVICE_FEATURES);
  mmio_write32(base + DRIVER_FEATURES_SELECT, 0);
  mmio_write32(base + DRIVER_FEATURES, offered & features_low);
  mmio_write32(base + DRIVER_FEATURES_SELECT, 1);
  mmio_write32(base + DRIVER_FEATURES, FEATURE_VERSION_1_HIGH);
  mmio_write32(base + STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK);
  return mmio_read32(base + STATUS) & STATUS_FEATURES_OK ? 0 : EXO_E_IO;
}

static void write_address(u32 base, u32 reg, const void *address) {
  mmio_write32(base + reg, (u32)(uintptr_t)address);
  mmio_write32(base + reg + 4, 0);
}

s32 virtqueue_init(struct virtqueue *q, u32 base, u32 queue) {
  q->base = base;
  q->queue = queue;
  mmio_write32(base + QUEUE_SELECT, queue);
  if (mmio_read32(base + QUEUE_SIZE_MAX) < VIRTQUEUE_SIZE) return EXO_E_IO;
  mmio_write32(base + QUEUE_SIZE, VIRTQUEUE_SIZE);
  write_address(base, QUEUE_DESCRIPTORS, q->descriptors);
  write_address(base, QUEUE_AVAILABLE, &q->available);
  write_address(base, QUEUE_USED, &q->used);
  mmio_write32(base + QUEUE_READY, 1);
  return 0;
}

void virtio_driver_ok(u32 base) {
  mmio_write32(base + STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK | STATUS_DRIVER_OK);
}

u32 virtio_config8(u32 base, u32 offset) { return mmio_read8(base + CONFIG + offset); }

void virtqueue_give(struct virtqueue *q, u32 id, const u8 *buffer, u32 length, u32 flags) {
  struct virtq_descriptor *d = &q->descriptors[id];
  d->address_low = (u32)(uintptr_t)buffer;
  d->address_high = 0;
  d->length = length;
  d->flags = (u16)flags;
  q->with_device |= 1u << id;
  q->available.ring[q->available.index % VIRTQUEUE_SIZE] = (u16)id;
  barrier();
  q->available.index++;
}

void virtqueue_notify(struct virtqueue *q) {
  barrier();
  mmio_write32(q->base + QUEUE_NOTIFY, q->queue);
}

/* Bits set: without libgcc's table. */
static u32 count_bits(u32 bits) {
  u32 count = 0;
  for (; bits; bits &= bits - 1) count++;
  return count;
}

s32 virtqueue_take(struct virtqueue *q, u32 *length) {
  if (q->broken) return EXO_E_CLOSED;
  /* The device may write the ring at any time: each word of it is read once, and what was read is what is checked. */
  u16 index = *(volatile u16 *)&q->used.index;
  if (index == q->used_seen) return EXO_E_AGAIN;
  /* It can't have used more than it has; an index that went back reads as far ahead. Whatever comes then means nothing. */
  if ((u16)(index - q->used_seen) > count_bits(q->with_device)) {
    q->broken = 1;
    return EXO_E_CLOSED;
  }
  barrier();
  volatile struct virtq_used_element *element = &q->used.ring[q->used_seen % VIRTQUEUE_SIZE];
  u32 id = element->id;
  u32 written = element->length;
  q->used_seen++;
  if (id >= VIRTQUEUE_SIZE || !(q->with_device >> id & 1)) return EXO_E_IO;
  q->with_device &= ~(1u << id);
  *length = written <= q->descriptors[id].length ? written : q->descriptors[id].length;
  return (s32)id;
}

u32 virtio_acknowledge(u32 base) {
  u32 status = mmio_read32(base + INTERRUPT_STATUS);
  mmio_write32(base + INTERRUPT_ACK, status);
  return status;
}

u32 virtio_needs_reset(u32 base) { return mmio_read32(base + STATUS) & STATUS_NEEDS_RESET; }

void virtio_stop(u32 base) { mmio_write32(base + STATUS, 0); }
