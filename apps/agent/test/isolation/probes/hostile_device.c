/* hostile_device.c: the network driver once more, under names of its own, against a card that lies: its registers and
 * rings are plain RAM here, and each scenario writes what a broken or hostile device would. */
#define nic_init        hostile_nic_init
#define nic_interrupt   hostile_nic_interrupt
#define nic_irq         hostile_nic_irq
#define nic_event       hostile_nic_event
#define virtio_find     hostile_virtio_find
#define virtio_begin    hostile_virtio_begin
#define virtqueue_init  hostile_virtqueue_init
#define plic_enable     hostile_plic_enable
#include "kernel.h"
#undef EXO_CALL
#define EXO_CALL(name) hostile_##name

static u8 registers[0x200] __attribute__((aligned(16)));

u32 virtio_find(u32 device_id, u32 *irq_out);
#include "virtio_net.c"

u32 virtio_find(u32 device_id, u32 *irq_out) {
  (void)device_id;
  *irq_out = 1;
  return (u32)registers;
}
s32 virtio_begin(u32 device, u32 features) { (void)device; (void)features; return 0; }
s32 virtqueue_init(struct virtqueue *q, u32 device, u32 number) {
  memset(q, 0, sizeof *q);
  q->base = device;
  q->queue = number;
  return 0;
}
void plic_enable(u32 number) { (void)number; }

static u8 memory[WINDOW_BYTES] __attribute__((aligned(16)));
static module owner = { .memory = memory, .memory_bytes = sizeof memory, .capabilities = CAN_USE_NETWORK };

/* What the device says it has received. */
static void says(u32 id, u32 length) {
  struct virtq_used *used = &receive_queue.used;
  used->ring[used->index % VIRTQUEUE_SIZE] = (struct virtq_used_element){ id, length };
  used->index++;
}

static s32 receive(void) { return (s32)hostile_nic_receive(&owner); }

/* 0 when what the driver did is right; else the number of the line that found it wrong. */
#define EXPECT(condition) do { if (!(condition)) return __LINE__; } while (0)

u32 hostile_device(u32 scenario) {
  hostile_nic_init();
  window = NULL;
  with_module = transmit_acquired = 0;
  EXPECT(hostile_nic_grant(&owner, 0, WINDOW_BYTES) == 0);
  switch (scenario) {
    case 0: /* an honest frame, so that the refusals below mean something */
      says(3, HEADER_BYTES + 60);
      EXPECT(receive() == (3 << 16 | 60));
      EXPECT(receive() == EXO_E_AGAIN);
      EXPECT(hostile_nic_release(&owner, 3) == 0);
      return 0;
    case 1: /* an index outside the ring, and one that wraps a shift */
      says(VIRTQUEUE_SIZE, HEADER_BYTES + 60);
      says(32, HEADER_BYTES + 60);
      says(0xffffffffu, HEADER_BYTES + 60);
      EXPECT(receive() == EXO_E_AGAIN);
      EXPECT(with_module == 0);
      return 0;
    case 2: /* a buffer that the module holds */
      says(5, HEADER_BYTES + 60);
      EXPECT(receive() == (5 << 16 | 60));
      says(5, HEADER_BYTES + 100);
      EXPECT(receive() == EXO_E_AGAIN);
      return 0;
    case 3: /* more bytes than the buffer has */
      says(0, NIC_BUFFER_BYTES);
      says(1, 0x10000u);
      says(2, 0xffffffffu);
      EXPECT(receive() == EXO_E_AGAIN);
      EXPECT(with_module == 0);
      EXPECT(receive_queue.with_device == 0xffffu); /* given back, not lost */
      return 0;
    case 4: /* less than a header, less than a frame */
      says(0, 0);
      says(1, HEADER_BYTES - 1);
      says(2, HEADER_BYTES + FRAME_BYTES_MIN - 1);
      says(4, HEADER_BYTES + FRAME_BYTES_MIN);
      EXPECT(receive() == (4 << 16 | (s32)FRAME_BYTES_MIN));
      EXPECT(receive() == EXO_E_AGAIN);
      EXPECT((receive_queue.with_device & 7) == 7);
      return 0;
    case 5: /* an index far ahead of what was ever given: it ends, and no buffer is handed out twice */
      receive_queue.used.index = 0x8000;
      for (u32 got = 0; receive() != EXO_E_AGAIN; got++) EXPECT(got < RECEIVE_BUFFERS);
      return 0;
    case 6: /* a sent buffer is said to be back that was never sent, or twice */
      EXPECT(hostile_nic_acquire(&owner) == 0);
      transmit_queue.used.ring[0] = (struct virtq_used_element){ 0, 0 };
      transmit_queue.used.index = 1;
      EXPECT(hostile_nic_acquire(&owner) == 1);
      EXPECT(hostile_nic_transmit(&owner, 0, 60) == 0);
      EXPECT(hostile_nic_transmit(&owner, 0, 60) == (u32)EXO_E_ARGUMENT);
      EXPECT(hostile_nic_transmit(&owner, 1, 1515) == (u32)EXO_E_ARGUMENT);
      EXPECT(hostile_nic_transmit(&owner, 1, 13) == (u32)EXO_E_ARGUMENT);
      EXPECT(hostile_nic_transmit(&owner, 8, 60) == (u32)EXO_E_ARGUMENT);
      EXPECT(hostile_nic_transmit(&owner, 40, 60) == (u32)EXO_E_ARGUMENT);
      return 0;
    case 7: /* what the module passes: every grant outside its memory, misaligned or of another length */
      window = NULL;
      EXPECT(hostile_nic_grant(&owner, 16, WINDOW_BYTES) == (u32)EXO_E_ARGUMENT);
      EXPECT(hostile_nic_grant(&owner, 0xfffffff0u, WINDOW_BYTES) == (u32)EXO_E_ARGUMENT);
      EXPECT(hostile_nic_grant(&owner, 0, WINDOW_BYTES - 16) == (u32)EXO_E_ARGUMENT);
      EXPECT(hostile_nic_receive(&owner) == (u32)EXO_E_CLOSED);
      EXPECT(hostile_nic_grant(&owner, 0, WINDOW_BYTES) == 0);
      EXPECT(hostile_nic_grant(&owner, 0, WINDOW_BYTES) == (u32)EXO_E_ARGUMENT);
      EXPECT(hostile_nic_release(&owner, 0) == (u32)EXO_E_ARGUMENT);
      EXPECT(hostile_nic_release(&owner, 32) == (u32)EXO_E_ARGUMENT);
      return 0;
    default: return (u32)EXO_E_ARGUMENT;
  }
}
