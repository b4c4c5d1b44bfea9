/* exokernel.h: the whole boundary between a module and the machine.
 *
 * A module (boot.wasm, agent.wasm, app.wasm) imports the calls below from the WebAssembly module "exo" under the
 * names given here without the prefix `exo_`. The TypeScript declarations (src/exokernel.ts) and every host
 * (exokernel/ on RV32, packages/machine in TypeScript) implement exactly this header; test/contract runs against all.
 *
 * Error contract
 *   - Every call returns >= 0 on success and one of EXO_E_* (< 0) otherwise. A bad handle, offset, length or pointer
 *     is EXO_E_ARGUMENT or EXO_E_DENIED and has no effect. No call blocks without a bound, none allocates.
 *   - Pointers are offsets in the calling module's own memory; the callee checks [ptr, ptr+len) against it.
 *   - All multi-byte fields that a call writes are little-endian.
 *
 * Capabilities
 *   A module holds only what the link gave it (main_boot.c, main_image.c, app_slice.c). A call on something that was not granted is
 *   EXO_E_DENIED. Which slot is running is known from the boot information; that slot and the boot bank can't be
 *   erased or programmed by anyone.
 */
#ifndef FLIPSIDE_EXOKERNEL_H
#define FLIPSIDE_EXOKERNEL_H

#include <stdint.h>

#define EXO_ABI_VERSION 5

/* ---- errors ------------------------------------------------------------------------------------------------ */
#define EXO_E_ARGUMENT    (-1)  /* handle, offset, length or pointer out of range, or misaligned */
#define EXO_E_DENIED      (-2)  /* no such grant, or the running slot, or the boot bank */
#define EXO_E_ABSENT      (-3)  /* this host has no such device */
#define EXO_E_AGAIN       (-4)  /* nothing there now: try again after the next wake-up */
#define EXO_E_IO          (-5)  /* the device reported an error, or a deadline inside the driver passed */
#define EXO_E_NOT_ERASED  (-6)  /* the program would need a bit to go from 0 to 1 */
#define EXO_E_VERIFY      (-7)  /* read-back differs from what was programmed */
#define EXO_E_CLOSED      (-8)  /* the peer closed, or the handle is no longer open */

/* ---- flash zones: handle = zone number ---------------------------------------------------------------------- */
#define EXO_ZONE_BOOT_CONTROL 0 /* two sectors: the boot-control log */
#define EXO_ZONE_FACTORY      1 /* written once where the device is made: identity, claim, hardware */
#define EXO_ZONE_SETTINGS     2 /* two sectors: enrolment and connection settings */
#define EXO_ZONE_TRUST        3 /* two sectors: two copies of the trust record */
#define EXO_ZONE_SLOT_A       4
#define EXO_ZONE_SLOT_B       5
#define EXO_ZONE_JOURNAL      6 /* which sectors of a download are sealed */
#define EXO_ZONE_APP          7 /* the app's own */
#define EXO_ZONE_COUNT        8

/* How durable a program is when the call returns. Levels are told apart, not hidden:
 *   ACCEPTED    the data is the driver's; power loss may lose it (a driver may program at once)
 *   PROGRAMMED  the chip reported the program complete
 *   VERIFIED    and the bytes were read back equal */
#define EXO_ACCEPTED   0
#define EXO_PROGRAMMED 1
#define EXO_VERIFIED   2

/* Read, program and erase give EXO_E_AGAIN when the call interrupted another one's program or erase on the same chips:
 * only the app's slice can, and its next tick may try again.
 *
 * Layout written by exo_flash_geometry (16 bytes):
 *   0  u32 sizeBytes      of the zone
 *   4  u32 sectorBytes    the erase unit
 *   8  u32 pageBytes      a program must not cross a multiple of this
 *   12 u32 writable       1 when this module may erase and program the zone now */
int32_t exo_flash_geometry(uint32_t zone, uint32_t outPtr);
int32_t exo_flash_read(uint32_t zone, uint32_t offsetBytes, uint32_t ptr, uint32_t lengthBytes);
/* Bits only go from 1 to 0. Offset and length are multiples of 4; the range stays in one page. */
int32_t exo_flash_program(uint32_t zone, uint32_t offsetBytes, uint32_t ptr, uint32_t lengthBytes, uint32_t durability);
/* Offset is a multiple of sectorBytes; erases that one sector to 0xff. */
int32_t exo_flash_erase(uint32_t zone, uint32_t offsetBytes);

/* How long flash may take (8 bytes at outPtr, 4-byte aligned), for boot loader and agent. A call of the driver is over by
 * then, done or failed:
 *   0  u32 eraseMsMax     one exo_flash_erase
 *   4  u32 programMsMax   one exo_flash_program */
int32_t exo_flash_timing(uint32_t outPtr);

/* ---- clock, entropy, console -------------------------------------------------------------------------------- */
int64_t exo_clock_us(void);       /* monotonic microseconds since reset */
int64_t exo_wall_clock_s(void);   /* Unix seconds from the RTC, or EXO_E_ABSENT. Never used for security */
int32_t exo_entropy(uint32_t ptr, uint32_t lengthBytes);   /* <= 256 bytes; all of it, or EXO_E_IO/EXO_E_AGAIN. For the agent */
int32_t exo_console_write(uint32_t ptr, uint32_t lengthBytes);
/* The newest bytes of this run's console, oldest first: how many were copied, at most EXO_CONSOLE_LOG_BYTES and lengthBytes.
 * Of what the boot loader said, the last EXO_CRASH_LOG_BYTES at most. For the agent. */
#define EXO_CONSOLE_LOG_BYTES 4096
int32_t exo_console_log(uint32_t ptr, uint32_t lengthBytes);

/* ---- network: frames (a host with a NIC) --------------------------------------------------------------------- */
/* Layout written by exo_nic_info (20 bytes):
 *   0  u8[6] mac   6 u16 mtuBytes (IP packet, without Ethernet header)
 *   8  u32 receiveBuffers   12 u32 transmitBuffers   16 u32 bufferBytes (each; frame starts at +16) */
int32_t exo_nic_info(uint32_t outPtr);
/* Grant the DMA window once: (receiveBuffers + transmitBuffers) * bufferBytes at ptr, 16-byte aligned; receive
 * buffers come first. Until a grant the NIC is off. A frame starts EXO_NIC_FRAME_OFFSET into its buffer. */
#define EXO_NIC_FRAME_OFFSET 16
int32_t exo_nic_grant(uint32_t ptr, uint32_t lengthBytes);
/* EXO_E_IO from any of these: the card broke the rules of its rings or gave up, and is off until the next reset. From
 * exo_nic_info: it has no address of its own. */
/* (buffer index << 16 | frame length) of the oldest received frame, in place, or EXO_E_AGAIN. The buffer belongs to
 * the module until exo_nic_release. Index and length come from the device and were checked. */
int32_t exo_nic_receive(void);
int32_t exo_nic_release(uint32_t bufferIndex);
/* Index (0-based among transmit buffers) of a free transmit buffer, or EXO_E_AGAIN; then send it. */
int32_t exo_nic_acquire(void);
int32_t exo_nic_transmit(uint32_t bufferIndex, uint32_t frameLengthBytes);

/* ---- network: byte streams (a host with sockets of its own and no NIC) ---------------------------------------- */
/* Opens a stream to host:port (host: UTF-8 name or address). Returns a handle >= 0 at once; connecting goes on. */
int32_t exo_stream_open(uint32_t hostPtr, uint32_t hostLength, uint32_t port);
#define EXO_STREAM_CONNECTING 0
#define EXO_STREAM_OPEN       1
#define EXO_STREAM_CLOSED     2   /* closed by the peer, refused, or failed; still readable until drained */
int32_t exo_stream_state(uint32_t handle);
int32_t exo_stream_read(uint32_t handle, uint32_t ptr, uint32_t lengthBytes);   /* bytes read, EXO_E_AGAIN, EXO_E_CLOSED */
int32_t exo_stream_write(uint32_t handle, uint32_t ptr, uint32_t lengthBytes);  /* bytes taken (may be fewer), ... */
int32_t exo_stream_close(uint32_t handle);

/* ---- run and reset -------------------------------------------------------------------------------------------- */
/* Boot information, written by the boot loader for the image it starts (64 bytes):
 *   0  u32 magic "FSBI" (0x49425346)   4 u16 version = 1   6 u8 runningSlot (0 A, 1 B)   7 u8 bootReason (EXO_BOOT_*)
 *   8  u32 bootCounter   12 u32 uncleanBoots   16 u32 loaderVersion
 *   20 u8 trial (1: this boot is a candidate's try)  21 u8 triesLeft  22 u8 flags (1: boot control was rebuilt)  23 u8 0
 *   24 u8[32] digest of the running image   56 u32 logSector  60 u32 logPage: where the log's newest record is */
#define EXO_BOOT_INFO_BYTES 64
#define EXO_BOOT_INFO_MAGIC 0x49425346u
int32_t exo_boot_info(uint32_t ptr, uint32_t lengthBytes);
/* Cause of the reset that this run began with, as the hardware says it (a chip's reset-cause register; exokernel/reset.c).
 * A module can't change it, and it is the same for the whole run. What the last run said itself plays no part in it. */
#define EXO_CAUSE_UNKNOWN  0  /* this hardware, or whoever stands in for it, does not say */
#define EXO_CAUSE_POWER    1  /* power came on, or dipped: RAM may have survived */
#define EXO_CAUSE_PIN      2  /* the reset line: a button, a debugger, a supervisor chip */
#define EXO_CAUSE_WATCHDOG 3  /* the hardware watchdog expired */
#define EXO_CAUSE_SOFTWARE 4  /* the last run asked for it: exo_reset, or a trap */
int32_t exo_reset_cause(void);                      /* EXO_CAUSE_*. For every module */

/* Boot reason: why the last run ended. By the cause; and where that is software, or unknown, by what the run left in RAM. */
#define EXO_BOOT_POWER_ON     0  /* EXO_CAUSE_POWER; or RAM held no record */
#define EXO_BOOT_REQUESTED    1  /* exo_reset with EXO_RESET_REQUESTED */
#define EXO_BOOT_UPDATE       2  /* exo_reset with EXO_RESET_UPDATE */
#define EXO_BOOT_ROLL_BACK    3  /* exo_reset with EXO_RESET_ROLL_BACK */
#define EXO_BOOT_TRAP         4  /* a module or the exokernel trapped */
#define EXO_BOOT_WATCHDOG     5  /* EXO_CAUSE_WATCHDOG */
#define EXO_BOOT_PIN          6  /* EXO_CAUSE_PIN */
#define EXO_BOOT_UNKNOWN      7  /* nothing was said before the reset, and the hardware does not say what it was */

/* Crash record of the last run (64 bytes), kept in RAM across a reset:
 *   0 u32 magic "FSCR"  4 u32 kind (EXO_BOOT_TRAP / _WATCHDOG)  8 u32 module (0 exokernel 1 boot 2 agent 3 app)
 *   12 u32 code (wasm trap code, or mcause)  16 u32 mepc  20 u32 mtval  24 u32 uptimeMs  28 u32 phase (EXO_PHASE_*)
 *   32 char[32] message
 * EXO_E_ABSENT when the last run left none. */
#define EXO_CRASH_RECORD_BYTES 64
#define EXO_CRASH_RECORD_MAGIC 0x52435346u
int32_t exo_crash_record(uint32_t ptr, uint32_t lengthBytes);
/* The last bytes that the crashed run wrote to the console, oldest first: how many were copied, at most
 * EXO_CRASH_LOG_BYTES and lengthBytes (then the newest). EXO_E_ABSENT when the last run left no crash record. */
#define EXO_CRASH_LOG_BYTES 512
int32_t exo_crash_log(uint32_t ptr, uint32_t lengthBytes);

/* How far this run has come; the crash record keeps the last that was said. The exokernel says the first, the fifth and
 * the sixth itself. For boot loader and agent. */
#define EXO_PHASE_LOADER       1  /* the boot loader runs */
#define EXO_PHASE_LOG_APPENDED 2  /* this power-up's record is sealed */
#define EXO_PHASE_LOADED       3  /* an image was copied to RAM */
#define EXO_PHASE_VERIFIED     4  /* and the copy is what was signed */
#define EXO_PHASE_HANDED_OVER  5  /* the jump to the image */
#define EXO_PHASE_IMAGE        6  /* the image's own C runs */
#define EXO_PHASE_AGENT        7  /* its agent has started, confirmed */
#define EXO_PHASE_TRIAL        8  /* its agent has started, as a candidate */
#define EXO_PHASE_PROVEN       9  /* the server has proved itself */
#define EXO_PHASE_CONFIRMED    10 /* the candidate was confirmed in this run */
#define EXO_PHASE_RECOVERY     11 /* nothing could be started */
int32_t exo_boot_phase(uint32_t phase);

#define EXO_RESET_REQUESTED 1
#define EXO_RESET_UPDATE    2
#define EXO_RESET_ROLL_BACK 3
int32_t exo_reset(uint32_t reason);                 /* does not return on success */
int32_t exo_watchdog_arm(uint32_t timeoutMs);       /* 100 .. 600000; arming again restarts it; can't be disarmed */
int32_t exo_watchdog_pet(void);

/* ---- the app's periodic slice ----------------------------------------------------------------------------------- */
/* A build may reserve it, with a period of its own and a budget that no tick exceeds (slice_budget.h): its app has no flash
 * then, and one whose tick was stopped is EXO_HEALTH_UNHEALTHY and runs no more. */
/* For the app module. Metric names are 1..15 bytes of [a-z0-9_]; one metric is kept, the newest. */
int32_t exo_app_metric(uint32_t namePtr, uint32_t nameLength, int32_t value);
#define EXO_HEALTH_UNKNOWN   0
#define EXO_HEALTH_HEALTHY   1
#define EXO_HEALTH_UNHEALTHY 2
int32_t exo_app_health(uint32_t health);
/* For the agent: what the app last said (32 bytes):
 *   0 u32 ticks run  4 u32 health  8 i32 metric value  12 u32 metric name length  16 char[16] metric name */
#define EXO_APP_REPORT_BYTES 32
int32_t exo_app_report(uint32_t outPtr);
/* For the agent: the device is to make itself known to whoever stands beside it (1), or no more (0). */
int32_t exo_app_identify(uint32_t on);
int32_t exo_app_identifying(void);                  /* For the app: 1 while it is, else 0; an LED blinks, say */

/* The app's configuration: a document that the agent hands over and the app judges.
 * For the agent: hands over 1..1024 bytes with their number. They take the place of what was handed over before; a verdict
 * on that is forgotten. Without a byte: nothing waits for a verdict any more. */
#define EXO_CONFIGURATION_BYTES_MAX 1024
int32_t exo_configuration_propose(uint32_t ptr, uint32_t lengthBytes, uint32_t number);
/* For the agent: what the app says of it (80 bytes), or EXO_E_AGAIN, nothing yet:
 *   0 u32 number  4 i32 code (0: it goes by it)  8 u32 text length  12 u32 0  16 char[64] text, then zeros */
#define EXO_CONFIGURATION_VERDICT_BYTES 80
int32_t exo_configuration_verdict(uint32_t outPtr);
/* For the app: what waits for its verdict, u32 number, then the document; the document's length, or EXO_E_AGAIN: nothing.
 * EXO_E_ARGUMENT: they have no room in lengthBytes; 4 + EXO_CONFIGURATION_BYTES_MAX always do. */
int32_t exo_configuration_read(uint32_t ptr, uint32_t lengthBytes);
/* For the app: its verdict on what it has read. Code 0: it goes by it from now on; else it refuses it, with a code of its
 * own and a text of at most 64 bytes of printable ASCII. EXO_E_AGAIN: nothing with that number waits for a verdict. */
#define EXO_CONFIGURATION_TEXT_BYTES_MAX 64
int32_t exo_configuration_judge(uint32_t number, int32_t code, uint32_t textPtr, uint32_t textLength);

/* Root public keys burnt into the boot bank, 32 bytes each, at most 8: returns how many. For boot loader and agent. */
int32_t exo_root_keys(uint32_t ptr, uint32_t lengthBytes);
/* The boot loader's program as the boot bank has it: how many bytes were copied, 0 at its end,
 * EXO_E_ABSENT where the host does not show it. For whoever may have the root keys. */
int32_t exo_loader_read(uint32_t offsetBytes, uint32_t ptr, uint32_t lengthBytes);
/* The RAM window for images, clear of the boot loader. For boot loader and agent. */
int32_t exo_image_window(uint32_t outPtr);          /* 8 bytes: u32 address, u32 sizeBytes */

/* ---- for the boot loader only ------------------------------------------------------------------------------------ */
/* What exo_image_start jumps into: the image type that a header has to have. */
#define EXO_IMAGE_UNIKERNEL   1  /* code of this machine */
#define EXO_IMAGE_WASM_BUNDLE 2  /* the agent's and the app's modules */
int32_t exo_image_type(void);
/* Copies from a slot into the window. */
int32_t exo_image_load(uint32_t zone, uint32_t offsetBytes, uint32_t address, uint32_t lengthBytes);
int32_t exo_image_read(uint32_t address, uint32_t ptr, uint32_t lengthBytes);
/* Hands over: boot information (EXO_BOOT_INFO_BYTES at infoPtr), then jumps. Returns only on a bad argument. */
int32_t exo_image_start(uint32_t entry, uint32_t infoPtr);
int32_t exo_boot_reason(void);                      /* EXO_BOOT_* of this run */

/* Recovery: for the boot loader, when nothing can be started. The serial line is the console's; what is said on it is
 * written with exo_console_write. */
/* Bytes received (1 .. lengthBytes, at most 1024), EXO_E_AGAIN: none now, EXO_E_ABSENT: this host has no serial line. */
int32_t exo_serial_read(uint32_t ptr, uint32_t lengthBytes);
/* Grants erasing and programming of one slot. From then on nothing can be started in this run, so that no slot that may
 * be written ever is a running one: exo_image_load, _read and _start are EXO_E_DENIED, exo_reset is granted. The first
 * slot stays the one: another is EXO_E_DENIED. */
int32_t exo_recovery_begin(uint32_t zone);

/* ---- what a module exports ----------------------------------------------------------------------------------------
 *   boot.wasm   boot()                     runs once; never returns when an image can be started
 *               recover() -> u32           then, again and again: one step of recovery; returns microseconds until it
 *                                          wants to run again (received bytes wake it earlier), or EXO_RECOVERY_NONE
 *                                          where there is no serial line: the machine halts
 *   agent.wasm  start()                    once, before the first step
 *               step() -> u32              runs what is due; returns microseconds until it wants to run again;
 *                                          a received frame, stream data or a timer wakes it earlier
 *   app.wasm    start(); tick()            tick runs every APP_SLICE_PERIOD_MS from the timer interrupt
 */
#define EXO_APP_SLICE_PERIOD_MS 1000
#define EXO_RECOVERY_NONE 0xffffffffu

#endif
