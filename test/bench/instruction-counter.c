/* A plugin of QEMU's translator that counts executed instructions, and notes how many there were at each byte that the
 * console says: a little-endian u64 a byte, appended to counts=PATH. Sleeps count nothing, and the clock is the host's, so
 * that answers of a server come in time; `-icount`, whose clock runs ahead while the machine sleeps, can't do that. */
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "qemu-plugin.h"

#define UART_TRANSMIT 0x10000000u

static uint64_t executed; /* there is one processor */
static int file = -1;

static void stored(unsigned processor, uint32_t info, uint64_t address, void *data) {
  (void)processor, (void)info, (void)data;
  if (address == UART_TRANSMIT && write(file, &executed, sizeof executed) != sizeof executed) file = -1;
}

static void translated(plugin_id id, struct qemu_plugin_tb *tb) {
  (void)id;
  for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
    struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
    qemu_plugin_register_vcpu_insn_exec_inline(insn, INLINE_ADD_U64, &executed, 1);
    qemu_plugin_register_vcpu_mem_cb(insn, stored, NO_REGISTERS, MEMORY_WRITE, 0);
  }
}

EXPORT int qemu_plugin_install(plugin_id id, const void *info, int count, char **arguments) {
  (void)info;
  if (count != 1 || strncmp(arguments[0], "counts=", 7) != 0) return -1;
  file = open(arguments[0] + 7, O_WRONLY | O_CREAT | O_APPEND, 0644);
  if (file < 0) return -1;
  qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
  return 0;
}
