/* The demo application, over ports/board.h: what runs on a board and, simulated, in ports/posix. */
#ifndef EXAMPLES_DEMO_APPLICATION_H
#define EXAMPLES_DEMO_APPLICATION_H

struct tdm_mcu_plain;

/* How this build behaves while it is on trial; a confirmed image is always healthy. */
enum application_behaviour {
    APPLICATION_HEALTHY = 0,
    APPLICATION_SELF_TEST_FAILS, /* a self-test fails: rejected at once */
    APPLICATION_HANGS,           /* stops feeding the watchdog before it confirms */
    APPLICATION_CRASHES,         /* faults before it confirms */
    APPLICATION_NO_LINK          /* never talks to the co-processor */
};

/* Who this firmware is. Texts are never NULL and stay in place. */
struct application_identity {
    const char *type;
    const char *version;
    const char *build;
    const char *library;
    const char *hardware;
    const char *template_id;
    const char *template_name;
    enum application_behaviour behaviour;
    const struct tdm_mcu_plain
        *plain; /* takes images without a signature too (tandem/plain.h); NULL: it does not */
};

/* Runs the application: never returns. board_init was called. */
void application_run(const struct application_identity *identity) __attribute__((noreturn));

#endif
