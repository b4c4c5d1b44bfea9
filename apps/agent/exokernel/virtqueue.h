/* virtqueue.h: split virtqueues over modern virtio-mmio. OASIS Virtual I/O Device 1.1, sections 2.6 and 4.2. */
#ifndef FLIPSIDE_VIRTQUEUE_H
#define FLIPSIDE_VIRTQUEUE_H

#include "kernel.h"

#define VIRTQUEUE_SIZE 16u  /* a power of two; one buffer to a descriptor */

struct virtq_descriptor { u32 address_low, address_high, length; u16 flags, next; };
struct virtq_available { u16 flags, index, ring[VIRTQUEUE_SIZE], used_event; };
struct virtq_used_element { u32 id, length; };
struct virtq_used { u16 flags, index; struct virtq_used_element ring[VIRTQUEUE_SIZE]; u16 available_event; };

#define VIRTQ_DEVICE_WRITES 2u

struct virtqueue {
  struct virtq_descriptor descriptors[VIRTQUEUE_SIZE] __attribute__((aligned(16)));
  struct virtq_available available __attribute__((aligned(2)));
  struct virtq_used used __attribute__((aligned(4)));
  u32 base;          /* of the device's registers */
  u32 queue;         /* its number */
  u16 used_seen;
  u32 with_device;   /* one bit a descriptor: the device has it */
  u32 broken;        /* the device's ring index can't be: nothing is taken any more */
};

/* MMIO base of the first device with this virtio id, or 0; *irq is its interrupt. */
u32 virtio_find(u32 device_id, u32 *irq);
/* Reset, negotiate VIRTIO_F_VERSION_1 and `features_low`; then queues; then virtio_driver_ok. */
s32 virtio_begin(u32 base, u32 features_low);
s32 virtqueue_init(struct virtqueue *q, u32 base, u32 queue);
void virtio_driver_ok(u32 base);
u32 virtio_config8(u32 base, u32 offset);
/* Hands descriptor `id` with one buffer to the device. */
void virtqueue_give(struct virtqueue *q, u32 id, const u8 *buffer, u32 length, u32 flags);
void virtqueue_notify(struct virtqueue *q);
/* Takes back one buffer: its id, and what the device says it wrote. EXO_E_AGAIN; EXO_E_IO when the device names a buffer
 * that it does not have (passed over); EXO_E_CLOSED, from then on, when its index says more than it was ever given. */
s32 virtqueue_take(struct virtqueue *q, u32 *length);
u32 virtio_acknowledge(u32 base);
#define VIRTIO_INTERRUPT_CONFIG 2u
/* The device has given up (section 2.1.2). */
u32 virtio_needs_reset(u32 base);
/* Ends all DMA. */
void virtio_stop(u32 base);

#endif
