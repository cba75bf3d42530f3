/* The boot record's transitions as data: the C code, its tests and the model under docs/model/ use this
 * table. What each event also asks for (which bank, which image) stands with the function that makes it. */
#ifndef TANDEM_CORE_BOOT_TRANSITION_TABLE_H
#define TANDEM_CORE_BOOT_TRANSITION_TABLE_H

/* X(state, event, next state) */
#define TDM__TRANSITIONS(X)                                                                                  \
    /* The application's: an update. */                                                                      \
    X(IDLE, BEGIN, ERASING)                                                                                  \
    X(ERASING, BEGIN, ERASING)                                                                               \
    X(RECEIVING, BEGIN, ERASING)                                                                             \
    X(PENDING, BEGIN, ERASING)                                                                               \
    X(ERASING, RECEIVE, RECEIVING)                                                                           \
    X(ERASING, COMPLETE, PENDING)                                                                            \
    X(RECEIVING, COMPLETE, PENDING)                                                                          \
    X(ERASING, ABANDON, IDLE)                                                                                \
    X(RECEIVING, ABANDON, IDLE)                                                                              \
    X(PENDING, ABANDON, IDLE)                                                                                \
    /* The bootloader's: attempts, and their end. */                                                         \
    X(PENDING, ATTEMPT, TRIAL)                                                                               \
    X(TRIAL, ATTEMPT, TRIAL)                                                                                 \
    X(TRIAL, ROLL_BACK, IDLE)                                                                                \
    /* Either's; the bootloader confirms again what was lost. */                                             \
    X(TRIAL, CONFIRM, IDLE)                                                                                  \
    X(TRIAL, REJECT, IDLE)                                                                                   \
    /* The bootloader's, without an active bank: a marked bank stands in, another one is tried. */           \
    X(NO_STATE, STAND_IN, IDLE)                                                                              \
    X(IDLE, STAND_IN, IDLE)                                                                                  \
    X(ERASING, STAND_IN, IDLE)                                                                               \
    X(RECEIVING, STAND_IN, IDLE)                                                                             \
    X(PENDING, STAND_IN, IDLE)                                                                               \
    X(TRIAL, STAND_IN, IDLE)                                                                                 \
    X(NO_STATE, RESCUE, TRIAL)                                                                               \
    X(IDLE, RESCUE, TRIAL)                                                                                   \
    X(ERASING, RESCUE, TRIAL)                                                                                \
    X(RECEIVING, RESCUE, TRIAL)                                                                              \
    X(PENDING, RESCUE, TRIAL)                                                                                \
    X(TRIAL, RESCUE, TRIAL)                                                                                  \
    /* One bank, and recovery (core/boot/fetch.c): not in the model. */                                      \
    X(IDLE, FETCH, FETCH)                                                                                    \
    X(FETCH, FETCH, FETCH)                                                                                   \
    X(FETCH, FETCH_END, IDLE)                                                                                \
    X(NO_STATE, BEGIN_IN_PLACE, ERASING)                                                                     \
    X(IDLE, BEGIN_IN_PLACE, ERASING)                                                                         \
    X(ERASING, BEGIN_IN_PLACE, ERASING)                                                                      \
    X(RECEIVING, BEGIN_IN_PLACE, ERASING)                                                                    \
    X(PENDING, BEGIN_IN_PLACE, ERASING)                                                                      \
    X(TRIAL, BEGIN_IN_PLACE, ERASING)                                                                        \
    X(FETCH, BEGIN_IN_PLACE, ERASING)

enum { TDM_BOOT_NO_STATE = 0 }; /* there is no record; beside enum tdm_boot_state */

enum tdm__boot_event {
    TDM__BEGIN = 1,
    TDM__RECEIVE = 2,
    TDM__COMPLETE = 3,
    TDM__ABANDON = 4,
    TDM__ATTEMPT = 5,
    TDM__ROLL_BACK = 6,
    TDM__CONFIRM = 7,
    TDM__REJECT = 8,
    TDM__STAND_IN = 9,
    TDM__RESCUE = 10,
    TDM__FETCH = 11,
    TDM__FETCH_END = 12,
    TDM__BEGIN_IN_PLACE = 13
};

#endif
