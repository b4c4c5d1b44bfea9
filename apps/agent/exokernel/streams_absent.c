/* streams_absent.c: this machine has a NIC and no sockets of a host: the calls exist and say so. */
#include "kernel.h"

u32 EXO_CALL(stream_open)(module *c, u32 host, u32 length, u32 port) { (void)c, (void)host, (void)length, (void)port; return (u32)EXO_E_ABSENT; }
u32 EXO_CALL(stream_state)(module *c, u32 handle) { (void)c, (void)handle; return (u32)EXO_E_ABSENT; }
u32 EXO_CALL(stream_read)(module *c, u32 handle, u32 ptr, u32 length) { (void)c, (void)handle, (void)ptr, (void)length; return (u32)EXO_E_ABSENT; }
u32 EXO_CALL(stream_write)(module *c, u32 handle, u32 ptr, u32 length) { (void)c, (void)handle, (void)ptr, (void)length; return (u32)EXO_E_ABSENT; }
u32 EXO_CALL(stream_close)(module *c, u32 handle) { (void)c, (void)handle; return (u32)EXO_E_ABSENT; }
