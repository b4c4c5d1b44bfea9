/* unpack.c: the exokernel's module_data.h as a program of the machine that tests. From stdin, as often as there is
 * more: u32 bytes of memory, u32 bytes of the stream, the stream; to stdout, each memory. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

typedef uint8_t u8;
typedef uint32_t u32;

#include "module_data.h"

int main(void) {
  u32 sizes[2];
  while (fread(sizes, sizeof sizes, 1, stdin) == 1) {
    u8 *memory = calloc(sizes[0], 1), *packed = malloc(sizes[1] + 1);
    if (fread(packed, 1, sizes[1], stdin) != sizes[1]) return 1;
    /* Each in a block of its own and of no more than its size, which is what the sanitizer watches. */
    packed = realloc(packed, sizes[1] ? sizes[1] : 1);
    unpack_data(memory, packed, sizes[1]);
    if (fwrite(memory, 1, sizes[0], stdout) != sizes[0]) return 1;
    free(memory);
    free(packed);
  }
  return 0;
}
