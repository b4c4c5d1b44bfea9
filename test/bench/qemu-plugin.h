/* What plugins here use of QEMU's translator, version 1 of the interface: "QEMU TCG Plugins" in QEMU 7.2's documentation
 * for developers. Its own header is in no Debian package. */
#ifndef QEMU_PLUGIN_H
#define QEMU_PLUGIN_H
#include <stddef.h>
#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t plugin_id;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum { NO_REGISTERS = 0, INLINE_ADD_U64 = 0, MEMORY_WRITE = 2 };
void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, void (*translated)(plugin_id, struct qemu_plugin_tb *));
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *insn, int operation, void *counter, uint64_t by);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn, void (*accessed)(unsigned, uint32_t, uint64_t, void *),
                                      int registers, int accesses, void *data);

EXPORT int qemu_plugin_version = 1;

#endif
