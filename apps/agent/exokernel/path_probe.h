/* path_probe.h: what a request costs, from the card's interrupt to the answer that the card is given.
 *
 * In test builds only (-DPATH_PROBE, build/link.ts): a shipped build has neither its code nor its data. path_mark[] is
 * written for whoever watches the machine from outside, a plugin of the emulator's: a store to path_mark[PATH_REQUEST] when
 * the card says that a frame has come which begins with "GET " or "PUT " behind 54 bytes of headers, one to
 * path_mark[PATH_ANSWER] when it is given one that begins with "HTTP". path_copied counts the bytes that memory.copy of the
 * modules, and the exokernel's memcpy and memmove, have moved (-DPATH_PROBE_COPIES). */
#ifndef FLIPSIDE_PATH_PROBE_H
#define FLIPSIDE_PATH_PROBE_H

#ifdef PATH_PROBE
#include "virtqueue.h"

enum { PATH_REQUEST, PATH_ANSWER };
extern volatile u32 path_mark[2];

/* In the card's interrupt: looks at each received buffer that it has not seen. `window` holds buffers of `buffer_bytes`. */
void path_probe_received(const struct virtqueue *receive, const u8 *window, u32 buffer_bytes);
void path_probe_transmits(const u8 *frame, u32 length);
#else
#define path_probe_received(receive, window, buffer_bytes) ((void)0)
#define path_probe_transmits(frame, length) ((void)0)
#endif

#endif
