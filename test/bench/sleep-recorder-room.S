/* Linked into the image that is measured, and into no other: room for sleep-recorder.S, which is put together when it is
 * known where the image's one wfi lies. First of the code, behind the start, where nothing that is not used is left out. */
    .section .text.start, "ax"
    .balign 4
    .globl sleep_recorder_room, sleep_recorder_room_end
sleep_recorder_room:
    .fill 128, 1, 0
sleep_recorder_room_end:
