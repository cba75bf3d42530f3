/* What a case does to a device at one moment: a power cut in an operation of the flash, or a fault at a frame
 * of the line. */
#ifndef SIM_CUT_H
#define SIM_CUT_H

#include <stdint.h>

/* X(NAME, letter, text): what a power cut does to the operation that it hits. */
#define SIM_TEARS(X)                                                                                         \
    X(BEFORE, 'b', "before it")                                                                              \
    X(TORN, 't', "in the middle: whole units, then some bits of one")                                        \
    X(UNREADABLE, 'u', "in the middle: the unit that was hit reads as an error")                             \
    X(UNSTABLE, 's', "in the middle: the bits under way read differently each time")                         \
    X(WEAK, 'w', "in the middle: reads as blank, and is not")                                                \
    X(FAINT, 'f', "in the middle: reads as if all were well, and is weak")                                   \
    X(AFTER, 'a', "after it")

/* What happens at a frame, whichever side sent it. */
#define SIM_FAULTS(X)                                                                                        \
    X(LOST, 'l', "the frame is lost")                                                                        \
    X(REPEATED, 'r', "it comes twice")                                                                       \
    X(LATE, 'd', "it is late, and all that follows")                                                         \
    X(NOISE, 'x', "a bit of it flips, or a byte is inserted")                                                \
    X(LIE, 'y', "a byte of the co-processor's is another one, with the right frame CRC")                     \
    X(DATA, 'z', "so is a byte of a chunk's data, with the right chunk CRC too")                             \
    X(CANCEL, 'c', "the co-processor cancels right behind it")                                               \
    X(SILENCE, 'q', "the line is dead for 70 s")                                                             \
    X(NCP, 'n', "the co-processor restarts")                                                                 \
    X(MCU, 'm', "the device loses its power")

enum sim_tear {
#define SIM_TEAR_ENUM(name, letter, text) SIM_TEAR_##name,
    SIM_TEARS(SIM_TEAR_ENUM)
#undef SIM_TEAR_ENUM
        SIM_TEAR_COUNT,
    SIM_FAULT_BEFORE_FIRST = SIM_TEAR_COUNT - 1,
#define SIM_FAULT_ENUM(name, letter, text) SIM_FAULT_##name,
    SIM_FAULTS(SIM_FAULT_ENUM)
#undef SIM_FAULT_ENUM
        SIM_KIND_COUNT
};

struct sim_cut {
    uint32_t operation; /* of the flash, or frame; from the start of the case, or from the cut before */
    enum sim_tear tear;
    uint32_t seed; /* picks units, bits, bytes; of a power cut: if odd, the co-processor's power goes too */
};

#endif
