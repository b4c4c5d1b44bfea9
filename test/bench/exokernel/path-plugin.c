/* A plugin of QEMU's translator that counts executed instructions, and notes how many there were when the guest stored to
 * an address that it was told (exokernel/path_probe.h marks requests and answers so). The count lies in a file that is
 * shared memory: whoever has it open reads it while the guest runs.
 *
 *   count=PATH             an u64, little-endian as the host is
 *   marks=PATH, mark=N     appended at each store to N or N+4: the count times four, and which of them it was */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../qemu-plugin.h"

#define MARKED_BYTES 8u

static uint64_t *executed; /* there is one processor */
static uint64_t marked;    /* an address; 0: none */
static int marks = -1;

static void stored(unsigned processor, uint32_t info, uint64_t address, void *data) {
  (void)processor, (void)info, (void)data;
  if (address - marked >= MARKED_BYTES) return;
  uint64_t mark = *executed << 2 | (address - marked) >> 2;
  if (write(marks, &mark, sizeof mark) != sizeof mark) abort();
}

static void translated(plugin_id id, struct qemu_plugin_tb *tb) {
  (void)id;
  for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
    struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
    qemu_plugin_register_vcpu_insn_exec_inline(insn, INLINE_ADD_U64, executed, 1);
    if (marked) qemu_plugin_register_vcpu_mem_cb(insn, stored, NO_REGISTERS, MEMORY_WRITE, 0);
  }
}

static const char *value_of(const char *argument, const char *name) {
  size_t length = strlen(name);
  return strncmp(argument, name, length) == 0 && argument[length] == '=' ? argument + length + 1 : 0;
}

EXPORT int qemu_plugin_install(plugin_id id, const void *info, int count, char **arguments) {
  (void)info;
  for (int i = 0; i < count; i++) {
    const char *value;
    if ((value = value_of(arguments[i], "count"))) {
      int file = open(value, O_RDWR | O_CREAT, 0644);
      if (file < 0 || ftruncate(file, sizeof *executed) != 0) return -1;
      executed = mmap(0, sizeof *executed, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
      if (executed == MAP_FAILED) return -1;
      *executed = 0;
    } else if ((value = value_of(arguments[i], "marks"))) {
      marks = open(value, O_WRONLY | O_CREAT | O_APPEND, 0644);
      if (marks < 0) return -1;
    } else if ((value = value_of(arguments[i], "mark"))) {
      marked = strtoull(value, 0, 0);
    } else return -1;
  }
  if (!executed || (marked && marks < 0)) return -1;
  qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
  return 0;
}
