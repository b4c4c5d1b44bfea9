/* path_probe.c: see path_probe.h. */
#undef memcpy
#undef memmove
#include <string.h>

#include "path_probe.h"

#define HEADERS_BYTES 54u /* Ethernet, IPv4 without options, TCP without options */
#define VIRTIO_BYTES  12u /* in front of the frame, in the card's length */
#define FRAME_BYTES_PADDED 60u /* a frame that is not longer has no text: what lies behind it is of an earlier one */

volatile u32 path_mark[2];
volatile u64 path_copied;

static u16 seen;

static int begins(const u8 *frame, const char *text) { return memcmp(frame + HEADERS_BYTES, text, 4) == 0; }

void path_probe_received(const struct virtqueue *receive, const u8 *window, u32 buffer_bytes) {
  if (!window) return;
  u16 index = *(volatile u16 *)&receive->used.index;
  for (; seen != index; seen++) {
    const volatile struct virtq_used_element *element = &receive->used.ring[seen % VIRTQUEUE_SIZE];
    u32 id = element->id;
    if (id >= VIRTQUEUE_SIZE || element->length <= VIRTIO_BYTES + FRAME_BYTES_PADDED) continue;
    const u8 *frame = window + id * buffer_bytes + EXO_NIC_FRAME_OFFSET;
    if (begins(frame, "GET ") || begins(frame, "PUT ")) path_mark[PATH_REQUEST] = 1;
  }
}

void path_probe_transmits(const u8 *frame, u32 length) {
  if (length >= HEADERS_BYTES + 4 && begins(frame, "HTTP")) path_mark[PATH_ANSWER] = 1;
}

void *path_probe_memcpy(void *target, const void *source, size_t bytes) {
  path_copied += bytes;
  return memcpy(target, source, bytes);
}

void *path_probe_memmove(void *target, const void *source, size_t bytes) {
  path_copied += bytes;
  return memmove(target, source, bytes);
}
