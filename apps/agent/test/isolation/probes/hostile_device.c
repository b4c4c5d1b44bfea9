/* hostile_device.c: the network driver once more, under names of its own, against a card that lies: its registers and
 * rings are plain RAM here, and each scenario writes what a broken or hostile device would. virtqueue.c is compiled in as it is,
 * but that its registers are that RAM too; what the driver says on the console is counted. */
#define nic_init        hostile_nic_init
#define nic_interrupt   hostile_nic_interrupt
#define nic_irq         hostile_nic_irq
#define nic_event       hostile_nic_event
#define virtio_find     hostile_virtio_find_unused
#define virtio_begin    hostile_virtio_begin
#define virtqueue_init  hostile_virtqueue_init
#define virtio_driver_ok hostile_virtio_driver_ok
#define virtio_config8  hostile_virtio_config8
#define virtqueue_give  hostile_virtqueue_give
#define virtqueue_notify hostile_virtqueue_notify
#define virtqueue_take  hostile_virtqueue_take
#define virtio_acknowledge hostile_virtio_acknowledge
#define virtio_needs_reset hostile_virtio_needs_reset
#define virtio_stop     hostile_virtio_stop
#define plic_enable     hostile_plic_enable
#define console_put     hostile_console_put
#include "kernel.h"
#undef EXO_CALL
#define EXO_CALL(name) hostile_##name

static u8 registers[0x200] __attribute__((aligned(16)));

#include "virtqueue.c"
#undef virtio_find
#define virtio_find hostile_virtio_find
u32 virtio_find(u32 device_id, u32 *irq_out);
#include "virtio_net.c"

u32 virtio_find(u32 device_id, u32 *irq_out) {
  (void)device_id;
  *irq_out = 1;
  return (u32)registers;
}
void plic_enable(u32 number) { (void)number; }

static u32 said;  /* lines */
void console_put(const char *text) {
  while (*text) said += *text++ == '\n';
}

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
static void set_register(u32 offset, u32 value) { mmio_write32((u32)registers + offset, value); }

/* A card as it should be, and a driver that has just met it. */
static void begin(void) {
  memset(registers, 0, sizeof registers);
  set_register(QUEUE_SIZE_MAX, 256);
  static const u8 mac[6] = { 0x52, 0x54, 0, 1, 2, 3 };
  memcpy(registers + CONFIG, mac, 6);
  memset(&receive_queue, 0, sizeof receive_queue);
  memset(&transmit_queue, 0, sizeof transmit_queue);
  hostile_nic_init();
  window = NULL;
  with_module = transmit_acquired = is_off = needs_reset = has_said = said = 0;
}

static u32 count_all(const struct virtqueue *q) { return count_bits(q->with_device); }

/* What must hold of the driver whatever the card did: no buffer is with both, none is lost, and descriptors point into the
 * window. */
static u32 is_sound(void) {
  if (with_module & receive_queue.with_device) return 0;
  if (with_module >> RECEIVE_BUFFERS || transmit_acquired >> TRANSMIT_BUFFERS || transmit_acquired & transmit_queue.with_device) return 0;
  if ((with_module | receive_queue.with_device) != (1u << RECEIVE_BUFFERS) - 1) return 0;
  for (u32 i = 0; i < VIRTQUEUE_SIZE; i++) {
    const struct virtq_descriptor *d = &receive_queue.descriptors[i];
    if (d->address_low < (u32)window || d->length > WINDOW_BYTES || d->address_low - (u32)window > WINDOW_BYTES - d->length) return 0;
  }
  return 1;
}

static u32 random_state;
static u32 below(u32 bound) {
  random_state = random_state * 1664525u + 1013904223u;
  return (random_state >> 8) % bound;
}

/* A used ring that means nothing, or nearly something. */
static void scramble(struct virtqueue *q) {
  for (u32 n = below(VIRTQUEUE_SIZE); n > 0; n--) {
    struct virtq_used_element *element = &q->used.ring[below(4) ? (q->used_seen + n) % VIRTQUEUE_SIZE : below(VIRTQUEUE_SIZE)];
    u32 id = below(6);
    element->id = id < 3 ? below(VIRTQUEUE_SIZE) : id == 3 ? below(64) : id == 4 ? 0xffffffffu - below(4) : below(0xffffffu) << 8;
    u32 length = below(5);
    element->length = length < 3 ? below(NIC_BUFFER_BYTES + 8) : length == 3 ? 0 : 0xffffffffu - below(4000);
  }
  u32 step = below(256);
  /* Seldom an index that can't be: the card would be off for good. */
  if (step == 0) q->used.index = (u16)below(0x10000);
  else if (step == 1) q->used.index = (u16)(q->used_seen - 1 - below(20));
  else if (step < 160) q->used.index = (u16)(q->used_seen + below(1 + count_all(q)));
}

/* `rounds` lives of a card from `seed` on: 0, or the line that found the driver wrong. */
static u32 fuzz(u32 seed, u32 rounds);

#define EXPECT(condition) do { if (!(condition)) return __LINE__; } while (0)

static u32 fuzz(u32 seed, u32 rounds) {
  random_state = seed;
  u32 frames = 0, offs = 0;
  for (u32 round = 0; round < rounds; round++) {
    begin();
    EXPECT(hostile_nic_grant(&owner, 0, WINDOW_BYTES) == 0);
    for (u32 step = 0; step < 60; step++) {
      scramble(&receive_queue);
      scramble(&transmit_queue);
      if (!is_off && below(50) == 0) {
        set_register(INTERRUPT_STATUS, below(4));
        set_register(STATUS, below(4) ? 15 : 79);
        nic_interrupt();
      }
      s32 got = receive();
      if (got >= 0) {
        frames++;
        EXPECT((u32)got >> 16 < RECEIVE_BUFFERS && (with_module >> (got >> 16) & 1));
        EXPECT((got & 0xffff) >= (s32)FRAME_BYTES_MIN && (got & 0xffff) <= (s32)FRAME_BYTES_MAX);
      } else EXPECT(got == EXO_E_AGAIN || got == EXO_E_IO);
      if (with_module && below(2)) {
        u32 id = below(RECEIVE_BUFFERS);
        u32 held = with_module >> id & 1;
        s32 released = (s32)hostile_nic_release(&owner, id);
        EXPECT(released == (is_off ? EXO_E_IO : held ? 0 : EXO_E_ARGUMENT));
      }
      s32 id = (s32)hostile_nic_acquire(&owner);
      if (id >= 0) {
        EXPECT((u32)id < TRANSMIT_BUFFERS && (transmit_acquired >> id & 1));
        if (below(4)) EXPECT((s32)hostile_nic_transmit(&owner, (u32)id, FRAME_BYTES_MIN + below(1500)) == 0);
      } else EXPECT(id == EXO_E_AGAIN || id == EXO_E_IO);
      EXPECT(is_sound());
    }
    EXPECT(said <= 3);
    EXPECT(!is_off || mmio_read32((u32)registers + STATUS) == 0);
    offs += is_off;
  }
  /* Else nothing was tried. */
  EXPECT(frames > rounds && offs > rounds / 8 && offs < rounds);
  return 0;
}

u32 hostile_device(u32 scenario) {
  /* From here on a scenario is a seed. */
  if (scenario >= 0x10000) return fuzz(scenario, 100);
  begin();
  if (scenario < 20) EXPECT(hostile_nic_grant(&owner, 0, WINDOW_BYTES) == 0);
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
      EXPECT(said == 1);
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
    case 5: /* an index far ahead of what was ever given: the card is off, which is said once */
      receive_queue.used.index = 0x8000;
      for (u32 i = 0; i < 100; i++) EXPECT(receive() == EXO_E_IO && hostile_nic_acquire(&owner) == (u32)EXO_E_IO && hostile_nic_release(&owner, 0) == (u32)EXO_E_IO);
      EXPECT(said == 1 && mmio_read32((u32)registers + STATUS) == 0);
      return 0;
    case 6: /* a sent buffer is said to be back that was never sent, or twice */
      EXPECT(hostile_nic_acquire(&owner) == 0);
      EXPECT(hostile_nic_acquire(&owner) == 1);
      EXPECT(hostile_nic_transmit(&owner, 0, 60) == 0);
      transmit_queue.used.ring[0] = (struct virtq_used_element){ 1, 0 };
      transmit_queue.used.index = 1;
      EXPECT(hostile_nic_acquire(&owner) == 2 && said == 1);
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
    case 8: /* an index that goes back, by one and by much; and one that is one too far */
      says(3, HEADER_BYTES + 60);
      EXPECT(receive() == (3 << 16 | 60));
      receive_queue.used.index = 0;
      EXPECT(receive() == EXO_E_IO);
      begin();
      EXPECT(hostile_nic_grant(&owner, 0, WINDOW_BYTES) == 0);
      transmit_queue.used.index = 1; /* nothing was sent */
      EXPECT(hostile_nic_acquire(&owner) == (u32)EXO_E_IO && said == 1);
      begin();
      EXPECT(hostile_nic_grant(&owner, 0, WINDOW_BYTES) == 0);
      receive_queue.used.index = VIRTQUEUE_SIZE + 1;
      EXPECT(receive() == EXO_E_IO && said == 1);
      return 0;
    case 9: /* the same buffer twice in one go, and a thousand lies: one line, and an end each time */
      for (u32 i = 0; i < 1000; i++) {
        says(7, i == 0 ? HEADER_BYTES + 60 : HEADER_BYTES + 61);
        s32 got = receive();
        EXPECT(got == (i == 0 ? (7 << 16 | 60) : EXO_E_AGAIN));
      }
      EXPECT(said == 1 && with_module == 1u << 7);
      return 0;
    case 10: /* a card that says it needs a reset: only with the interrupt that goes with it, and once */
      set_register(STATUS, 79);
      set_register(INTERRUPT_STATUS, 1);
      nic_interrupt();
      EXPECT(receive() == EXO_E_AGAIN && said == 0);
      set_register(INTERRUPT_STATUS, 3);
      nic_interrupt();
      EXPECT(said == 0); /* not from the interrupt */
      for (u32 i = 0; i < 100; i++) EXPECT(receive() == EXO_E_IO && hostile_nic_transmit(&owner, 0, 60) == (u32)EXO_E_IO);
      EXPECT(said == 1);
      return 0;
    case 11: /* a length that can't be, as often as the card likes */
      for (u32 i = 0; i < 1000; i++) {
        says(i % RECEIVE_BUFFERS, i % 3 == 0 ? 0 : i % 3 == 1 ? 0xffffffffu : NIC_BUFFER_BYTES);
        EXPECT(receive() == EXO_E_AGAIN);
      }
      EXPECT(said == 1 && receive_queue.with_device == 0xffffu);
      return 0;
    case 20: /* queues of no size, of fewer than are used, and of absurdly many */
      set_register(QUEUE_SIZE_MAX, 0);
      EXPECT(hostile_nic_grant(&owner, 0, WINDOW_BYTES) == (u32)EXO_E_IO && !window);
      set_register(QUEUE_SIZE_MAX, VIRTQUEUE_SIZE - 1);
      EXPECT(hostile_nic_grant(&owner, 0, WINDOW_BYTES) == (u32)EXO_E_IO && !window);
      EXPECT(hostile_nic_receive(&owner) == (u32)EXO_E_CLOSED);
      set_register(QUEUE_SIZE_MAX, 0xffffffffu);
      EXPECT(hostile_nic_grant(&owner, 0, WINDOW_BYTES) == 0 && mmio_read32((u32)registers + QUEUE_SIZE) == VIRTQUEUE_SIZE);
      return 0;
    case 21: /* an address that is a group's, or none; said once. An MTU of the card's is never read */
      registers[CONFIG] = 0x53;
      for (u32 i = 0; i < 10; i++) EXPECT(hostile_nic_info(&owner, 0) == (u32)EXO_E_IO);
      memset(registers + CONFIG, 0, 6);
      EXPECT(hostile_nic_info(&owner, 0) == (u32)EXO_E_IO && said == 1);
      registers[CONFIG + 5] = 1;
      memset(registers + CONFIG + 6, 0xff, 8);
      EXPECT(hostile_nic_info(&owner, 0) == 0 && memory[6] == (1500 & 255) && memory[7] == 1500 >> 8);
      return 0;
    default: return (u32)EXO_E_ARGUMENT;
  }
}
